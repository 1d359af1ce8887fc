-- as: superuser
-- Texts that are compared byte by byte; and a loose type where the tenants' own names are as loosely unique.
create extension if not exists citext;
create table public.orders (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.orders owner to neondb_owner;
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true))
         and (select current_setting('app.tenant_id', true)) <> '');
create schema registry;
create table registry.tenants (slug citext primary key);
create table public.invoices (tenant_id citext not null references registry.tenants, id int not null, mail citext,
                              primary key (tenant_id, id));
alter table public.invoices owner to neondb_owner;
alter table public.invoices enable row level security, force row level security;
grant select, insert, update, delete on public.invoices to app_user;
create policy tenant on public.invoices to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true)::citext)
         and (select current_setting('app.tenant_id', true)) <> '');
create policy mail on public.invoices as restrictive to app_user
  using (mail is null or mail = (select current_setting('app.mail', true)::citext));
