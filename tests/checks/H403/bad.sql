-- as: superuser
-- also: H104
do $$
begin
  if to_regrole('h403_strong') is null then
    create role h403_strong nologin bypassrls;
    create role h403_pool login noinherit;
    create role "h403 acme" login;
    create role "h403 zenith" login;
  end if;
  execute format('grant app_user, h403_strong to h403_pool%s',
                 case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end);
  -- For everybody in this database, a tenant.
  execute format('alter database %I set app.tenant_id = %L', current_database(),
                 '33333333-3333-4333-8333-333333333333');
  execute format('alter database %I set request.jwt.claims = %L', current_database(),
                 '{"role": "authenticated", "org": "33333333-3333-4333-8333-333333333333"}');
  -- For one login in it: the same; a stronger role; row security off.
  execute format('alter role h403_pool in database %I set app.tenant_id = %L', current_database(),
                 '44444444-4444-4444-8444-444444444444');
  execute format('alter role h403_pool in database %I set role = h403_strong', current_database());
  execute format('alter role h403_pool in database %I set row_security = off', current_database());
  -- Logins of tenants.
  execute format('alter role "h403 acme" in database %I set app.tenant_id = %L', current_database(),
                 '55555555-5555-4555-8555-555555555555');
  execute format('alter role "h403 zenith" in database %I set app.tenant_id = %L', current_database(),
                 '66666666-6666-4666-8666-666666666666');
end
$$;
