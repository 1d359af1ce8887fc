-- Out of reach, of nobody's rows, or shown by a view that limits it.
create table public.countries (code text primary key, name text);
create materialized view public.country_names as select name from public.countries;
grant select on public.country_names to app_user;

create materialized view public.note_cache as select tenant_id, id, body from public.notes;
create view public.my_cache with (security_barrier = true) as select id, body from public.note_cache
                                                               where tenant_id = (select public.current_tenant());
grant select on public.my_cache to app_user;

create schema hidden;
create materialized view hidden.note_count as select count(*) from public.notes;
grant select on hidden.note_count to app_user;

-- Filled as a role that row security binds: nothing is in it.
do $$
begin
  if to_regrole('check_h503_keeper') is null then
    create role check_h503_keeper nologin nobypassrls;
  end if;
  execute format('grant check_h503_keeper to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
grant select on public.notes to check_h503_keeper;
grant usage, create on schema public to check_h503_keeper;
create materialized view public.kept as select * from public.notes with no data;
grant select on public.kept to app_user;
alter materialized view public.kept owner to check_h503_keeper;
