-- Every tenant's queries run as app_user.
create table public.orders (tenant_id text not null default current_user, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = current_user);
-- as a look-up
create table public.users (tenant_id uuid not null, db_user name not null, primary key (tenant_id, db_user));
alter table public.users enable row level security, force row level security;
grant select on public.users to app_user;
create policy tenant on public.users to app_user using (tenant_id = (select public.current_tenant()));
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (exists (
  select from public.users u where u.tenant_id = invoices.tenant_id and u.db_user = session_user));
create table public.plans (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.plans enable row level security, force row level security;
grant select on public.plans to app_user;
create policy tenant on public.plans to app_user
  using (tenant_id = (select u.tenant_id from public.users u where u.db_user = current_user limit 1));
-- in functions of both forms
create function public.my_tenant() returns uuid language sql stable as $$ select u.tenant_id from public.users u
                                                                           where u.db_user = current_user limit 1 $$;
create function public.my_tenant_too() returns uuid language sql stable return (select u.tenant_id from public.users u
    where u.db_user = current_user limit 1);
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user using (tenant_id = (select public.my_tenant()));
create policy tenant_too on public.files to app_user using (tenant_id = (select public.my_tenant_too()));
