-- as: superuser
do $$
declare
  option text := case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end;
begin
  if to_regrole('h110_deployer') is null then
    create role h110_deployer nologin;
    create role h110_idle nologin;
  end if;
  -- who deploys creates objects, and is no tenant
  grant create on schema public to h110_deployer;
  execute format('grant create on database %I to h110_deployer', current_database());
  -- membership without SET or INHERIT is no way there
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant h110_deployer to h110_idle with set false, inherit false';
  end if;
  execute format('grant h110_idle to %I', (select datdba::regrole from pg_database where datname = current_database()))
    || option;
  execute format('alter database %I set search_path = app, public', current_database());
end
$$;
create schema app;
grant usage on schema app to app_user;
-- A place for a tenant's own tables, in nobody's search_path and without anybody's functions.
create schema sandbox;
grant usage, create on schema sandbox to app_user;
create table sandbox.samples (id int);
-- what names it quotes it, with all of its signs, and means another one
create schema "sand,box";
create function app.quoting() returns int language sql set search_path = '"sand,box"', "sandbox ", '' as 'select 1';
