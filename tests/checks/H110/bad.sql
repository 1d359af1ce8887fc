-- As it was everywhere before PostgreSQL 15: everybody creates in public.
grant create on schema public to public;
do $$
begin
  if to_regrole('h110_builders') is null then
    create role h110_builders nologin;
    create role h110_member nologin in role h110_builders;
    create role h110_reports nologin;
  end if;
  execute format('grant h110_member to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  -- a schema named like the owner would come first in the owner's path
  execute format('grant create on database %I to h110_builders', current_database());
end
$$;
-- By a role's path, by that of a function, by the name of a role ("$user"), and by a full name that fits better.
create schema "Odd; path";
grant create, usage on schema "Odd; path" to h110_builders;
do $$ begin execute format('alter role h110_reports in database %I set search_path = "Odd; path", public',
                           current_database()); end $$;
create schema jobs;
grant create, usage on schema jobs to h110_member;
create schema vault;
create function vault.count_notes() returns bigint language sql security definer set search_path = jobs,
pg_temp as 'select count(*) from public.notes where false';
revoke execute on function vault.count_notes() from public;
create schema h110_reports;
grant create, usage on schema h110_reports to h110_member;
create schema library;
grant create, usage on schema library to app_user;
create function library.same(a text, b text) returns boolean language sql immutable return a = b;
