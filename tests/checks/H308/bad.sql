-- a session that says '%' is everybody
create table public.orders (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id like (select nullif(current_setting('app.tenant_id', true), '')));
-- tenant 1 is found in the list '12,13'
create table public.invoices (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy listed on public.invoices to app_user
  using (strpos((select current_setting('app.tenants', true)), tenant_id) > 0);
-- 'no-admin' is an admin
create table public.files (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy staff on public.files to app_user using ((select current_setting('app.role', true)) ilike '%admin%');
create policy tenant on public.files to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true)) and tenant_id <> '');
-- in a function
create function public.is_mine(tenant text) returns boolean language sql stable
as $$ select tenant ~~ 'x' or tenant ilike current_setting('app.tenant_id', true) $$;
create table public.pages (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.pages enable row level security, force row level security;
grant select on public.pages to app_user;
create policy tenant on public.pages to app_user using (public.is_mine(tenant_id));
-- any claim will do, by its name
create table public.parts (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.parts enable row level security, force row level security;
grant select on public.parts to app_user;
create policy tenant on public.parts to app_user
  using ((select nullif(current_setting('app.claims', true), '')::jsonb) ? tenant_id);
