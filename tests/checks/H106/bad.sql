do $$
begin
  if to_regrole('h106_group') is null then
    create role h106_group nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'h106 "maker"') then
    create role "h106 ""maker""" nologin;
  end if;
  execute format('grant "h106 ""maker""" to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit true' else '' end);
end
$$;
grant h106_group to app_user;
-- To everybody, everywhere; to a group, all of it; the contract, and the right to pass it on.
alter default privileges grant select on tables to public;
alter default privileges in schema public grant all on tables to h106_group;
alter default privileges for role "h106 ""maker""" in schema public grant select,
insert on tables to app_user with grant option;
