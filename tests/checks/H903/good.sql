-- The context is cast, not the column; other columns may be; and a key that is only ever compared as text has its
-- index.
create table public.orders (tenant_id uuid not null, id int not null, state varchar(9), primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and upper(state) <> 'HIDDEN');
create table public.invoices (tenant_id varchar(36) not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true)) and tenant_id <> '');
create table public.files (tenant_id uuid not null, id int not null);
create index on public.files ((tenant_id::text));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user
  using (tenant_id::text = (select current_setting('app.tenant_id', true)));
