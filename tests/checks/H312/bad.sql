-- also: H309
-- One face for the verifier, another for the rest: by the program's name, harness' own settings, the login, other
-- sessions.
create function public.direct() returns boolean language sql stable return true;
create table public.t1 (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
create table public.t2 (like public.t1 including all);
create table public.t3 (like public.t1 including all);
create table public.t4 (like public.t1 including all);
create table public.t5 (like public.t1 including all);
create table public.t6 (like public.t1 including all);
create table public.t7 (like public.t1 including all);
create table public.t8 (like public.t1 including all);
do $$
declare
  t text;
begin
  for t in select unnest(array['t1', 't2', 't3', 't4', 't5', 't6', 't7', 't8']) loop
    execute format('alter table public.%I enable row level security, force row level security', t);
    execute format('grant select on public.%I to app_user', t);
  end loop;
end
$$;
create policy p on public.t1 to app_user
  using (tenant_id = (select public.current_tenant())
         or (select current_setting('application_name') !~ '^harness|^$|vitest|node'));
create policy p on public.t2 to app_user
  using (tenant_id = (select public.current_tenant())
         and (select current_setting('harness.model', true) is null or true));
create policy p on public.t3 to app_user
  using (tenant_id = (select public.current_tenant()) and session_user not in ('auditor', 'dba'));
create function public.watched() returns boolean language plpgsql stable set search_path = ''
as $$ begin return exists (select from pg_catalog.pg_stat_activity as a
                            where a.pid = pg_backend_pid() and a.application_name ~ 'harness'); end $$;
create policy p on public.t4 to app_user
  using (tenant_id = (select public.current_tenant()) and (select not public.watched() or true));
create function public.by_login() returns boolean language sql stable return (select not rolsuper or true
                                                                                from pg_catalog.pg_roles
                                                                               where rolname = session_user);
create policy p on public.t5 to app_user
  using (tenant_id = (select public.current_tenant()) and (select public.by_login()));
create function public.inner_face() returns boolean language plpgsql stable set search_path = ''
as $$ begin return session_user::text <> 'dba' or current_setting('statement_timeout') = '0' or true; end $$;
create function public.outer_face() returns boolean language plpgsql stable set search_path = ''
as $$ begin return public.inner_face(); end $$;
create policy p on public.t6 to app_user
  using (tenant_id = (select public.current_tenant()) and (select public.outer_face()));
create policy p on public.t7 to app_user
  using (tenant_id = (select public.current_tenant()) and (select current_query() <> 'x'));
create policy p on public.t8 to app_user
  using (tenant_id = (select public.current_tenant()) and (select count(*) >= 0 from pg_catalog.pg_settings));
