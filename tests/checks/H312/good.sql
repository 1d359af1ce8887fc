-- A role for each tenant: whose row it is, by the session's own name, whatever it is called.
create table public.own (tenant_id uuid not null, id int not null, owner name not null, primary key (tenant_id, id));
alter table public.own enable row level security, force row level security;
grant select, insert on public.own to app_user;
create policy mine on public.own to app_user
  using (owner = session_user and tenant_id = (select public.current_tenant()));
create function public.is_mine(login text) returns boolean language plpgsql stable set search_path = ''
as $$ begin return login = session_user; end $$;
create function public.in_group(wanted name) returns boolean language sql stable return pg_has_role(
    session_user, wanted, 'member') or current_user = wanted;
create policy by_function on public.own as restrictive for select to app_user
  using (public.is_mine(owner) and public.in_group(owner) and tenant_id = (select public.current_tenant()));

-- Names that are columns, and words in comments.
create table public.deployments (tenant_id uuid not null, id int not null, application_name text,
                                 primary key (tenant_id, id));
alter table public.deployments enable row level security, force row level security;
grant select on public.deployments to app_user;
create function public.is_deployed(name text) returns boolean language plpgsql stable set search_path = ''
as $$
begin
  -- not of pg_stat_activity, nor of session_user = 'postgres'
  return exists (select from public.deployments as d
                  where d.application_name = name and d.tenant_id = public.current_tenant());
end
$$;
create policy tenant on public.deployments to app_user
  using (tenant_id = (select public.current_tenant()) and application_name <> '' and current_user <> 'nobody');
-- who asks what runs is no policy
create function public.sessions() returns bigint language sql stable as $$ select count(*) from pg_stat_activity
                                                                            where application_name like 'harness%' $$;
