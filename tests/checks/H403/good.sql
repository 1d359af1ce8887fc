-- as: superuser
do $$
begin
  if to_regrole('h403_quiet') is null then
    create role h403_quiet login noinherit;
    create role h403_group nologin;
    create role h403_backup login bypassrls;
    create role h403_admin login;
    grant h403_backup to h403_admin;
  end if;
  execute format('grant app_user to h403_quiet%s',
                 case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end);
  -- '' makes the setting known, and nil is nobody; a uuid is what the column wants.
  execute format('alter database %I set app.tenant_id = ''''', current_database());
  execute format('alter role h403_quiet in database %I set app.tenant_id = %L', current_database(),
                 '00000000-0000-0000-0000-000000000000');
  execute format('alter database %I set request.jwt.claims = %L', current_database(),
                 '{"role": "anonymous", "org": ""}');
  -- Never loaded: nobody logs in as these.
  execute format('alter role app_user in database %I set app.tenant_id = %L', current_database(),
                 '11111111-1111-4111-8111-111111111111');
  execute format('alter role h403_group in database %I set row_security = off', current_database());
  -- To start as a tenant role is to start with less.
  execute format('alter role h403_quiet in database %I set role = app_user', current_database());
  execute format('alter role h403_quiet in database %I set row_security = on', current_database());
  execute format('alter role h403_quiet in database %I set statement_timeout = ''5s''', current_database());
  -- What a backup and an operator start with is no tenant's business.
  execute format('alter role h403_backup in database %I set row_security = off', current_database());
  execute format('alter role h403_admin in database %I set role = h403_backup', current_database());
end
$$;
