-- nobody's rows are everybody's
create table public.orders (tenant_id uuid, id int not null);
create index on public.orders (tenant_id);
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id is null or tenant_id = (select public.current_tenant()));
-- the same in other words
create table public.drafts (tenant_id uuid, id int not null);
create index on public.drafts (tenant_id);
alter table public.drafts enable row level security, force row level security;
grant select on public.drafts to app_user;
create policy tenant on public.drafts to app_user
  using (coalesce(tenant_id, (select public.current_tenant())) = (select public.current_tenant()));
-- NULL belongs to nobody: a remark
create table public.invoices (tenant_id uuid, id int not null);
create index on public.invoices (tenant_id);
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (tenant_id = (select public.current_tenant()));
-- who forgets to say whose a row is gives it to one tenant
create table public.files (tenant_id uuid not null default '11111111-1111-4111-8111-111111111111', "Id" int not null,
                           primary key (tenant_id, "Id"));
alter table public.files enable row level security, force row level security;
grant select, insert on public.files to app_user;
create policy tenant on public.files to app_user using (tenant_id = (select public.current_tenant()));
