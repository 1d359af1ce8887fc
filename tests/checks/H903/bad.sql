create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id::text = (select current_setting('app.tenant_id', true)));
-- in a list
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user
  using (tenant_id::text = any (string_to_array((select current_setting('app.tenant_id', true)), ',')));
-- a type that another has to be made of
create table public.files (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user
  using (btrim(tenant_id) in (select current_setting('app.tenant_id', true)) and tenant_id is not null);
