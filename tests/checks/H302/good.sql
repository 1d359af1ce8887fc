create table public.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select on public.members to app_user;
create policy tenant on public.members to app_user using (tenant_id = (select public.current_tenant()));

create table public.projects (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.projects enable row level security, force row level security;
grant select on public.projects to app_user;
-- tied to the row by IN
create policy by_list on public.projects to app_user using (tenant_id in (
  select m.tenant_id from public.members m
   where m.user_id = (select current_setting('app.user_id', true)) and m.tenant_id = (select public.current_tenant())));

-- tied to the row through its project
create table public.tasks (tenant_id uuid not null, id int not null, project_id int not null,
                           primary key (tenant_id, id));
alter table public.tasks enable row level security, force row level security;
grant select on public.tasks to app_user;
create policy by_project on public.tasks to app_user using (exists (
  select from public.projects p
   where p.tenant_id = tasks.tenant_id and p.id = tasks.project_id and p.tenant_id = (select public.current_tenant())));
-- a restrictive policy only takes away
create policy members_only on public.tasks as restrictive to app_user using (exists (
  select from public.members m where m.user_id = (select current_setting('app.user_id', true))));

-- any member, but of the tenant's rows: one policy says what, the floor says whose
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy members_read on public.orders to app_user using (exists (
  select from public.members m where m.user_id = (select current_setting('app.user_id', true))));
create policy floor on public.orders as restrictive using (tenant_id = (select public.current_tenant()));

-- the platform's own staff belong to no tenant, and see every tenant's rows
create table public.platform_staff (user_id text primary key, hired_by text);
alter table public.platform_staff enable row level security, force row level security;
grant select on public.platform_staff to app_user;
create policy self on public.platform_staff to app_user using (user_id = (select current_setting('app.user_id', true)));
create function public.is_staff() returns boolean language sql stable
as $$ select exists (select from public.platform_staff where user_id = current_setting('app.user_id', true)) $$;
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy staff on public.invoices for select to app_user using (exists (
  select from public.platform_staff s where s.user_id = (select current_setting('app.user_id', true))));
create policy staff_by_function on public.invoices for select to app_user using ((select public.is_staff()));
create policy tenant on public.invoices to app_user using (tenant_id = (select public.current_tenant()));
