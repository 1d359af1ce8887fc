create table public.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select on public.members to app_user;
create policy tenant on public.members to app_user using (tenant_id = (select public.current_tenant()));

-- any member of any tenant
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy members_read on public.orders to app_user using (exists (
  select from public.members m where m.user_id = (select current_setting('app.user_id', true))));

-- a member of the tenant in the context, but every tenant's rows; and what EXISTS returns ties it to nothing
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (tenant_id = (select public.current_tenant()));
create policy members_read on public.invoices to app_user using (exists (
  select invoices.tenant_id from public.members m
   where m.user_id = (select current_setting('app.user_id', true)) and m.tenant_id = (select public.current_tenant())));

-- an operand of OR
create table public.tasks (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.tasks enable row level security, force row level security;
grant select on public.tasks to app_user;
create policy members_read on public.tasks to app_user using (
  tenant_id = (select public.current_tenant())
  or (select current_setting('app.user_id', true)) in (select m.user_id from public.members m));

-- the column has another name, but it is part of the key
create table public.org_users (org uuid not null, user_id text not null, primary key (org, user_id));
alter table public.org_users enable row level security, force row level security;
grant select on public.org_users to app_user;
create policy self on public.org_users to app_user using (user_id = (select current_setting('app.user_id', true)));
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy members_read on public.files to app_user using (exists (
  select from public.org_users o where o.user_id = (select current_setting('app.user_id', true))));

-- out of sight in a function
create function public.is_member() returns boolean language sql stable security definer set search_path = ''
as $$ select exists (select from public.members m where m.user_id = current_setting('app.user_id', true)) $$;
create table public.pages (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.pages enable row level security, force row level security;
grant select on public.pages to app_user;
create policy members_read on public.pages to app_user using ((select public.is_member()));
