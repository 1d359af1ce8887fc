-- The role may say what kind of session it is; whose rows they are, the context says.
create table public.orders (tenant_id uuid not null, id int not null, made_by name not null default current_user,
                            primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select public.current_tenant()) and made_by = current_user);
create policy jobs on public.orders for select to app_user using (current_user = 'check_h309_jobs');
create function public.is_job() returns boolean language plpgsql stable set search_path = '' as $$
begin
  return current_user = 'check_h309_jobs' and session_user is not null;
end $$;
create policy jobs_too on public.orders for select to app_user using ((select public.is_job()));
