-- as: superuser
-- 'acme' and 'ACME' are two tenants, and see each other's rows.
create extension if not exists citext;
create collation public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table public.orders (tenant_id citext not null, id int not null, primary key (tenant_id, id));
alter table public.orders owner to neondb_owner;
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true)::citext)
         and (select current_setting('app.tenant_id', true)) <> '');
create table public.invoices (tenant_id text collate public.loose not null, id int not null,
                              primary key (tenant_id, id));
alter table public.invoices owner to neondb_owner;
alter table public.invoices enable row level security, force row level security;
grant select, insert, update, delete on public.invoices to app_user;
create policy tenant on public.invoices to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true))
         and (select current_setting('app.tenant_id', true)) <> '');
create table public.files (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.files owner to neondb_owner;
alter table public.files enable row level security, force row level security;
grant select, insert, update, delete on public.files to app_user;
create policy "any case" on public.files to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true)) collate public.loose
         and (select current_setting('app.tenant_id', true)) <> '');
