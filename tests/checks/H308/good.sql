-- Patterns that only say what a claim looks like, lists that are searched element by element, patterns over other
-- columns.
create table public.orders (tenant_id text not null, id int not null, note text, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select current_setting('app.tenant_id', true))
         and (select current_setting('app.tenant_id', true) ~ '^[0-9a-z-]{1,36}$'));
create policy members on public.orders for select to app_user
  using (tenant_id = any (string_to_array((select current_setting('app.tenants', true)), ',')));
create policy claims on public.orders for select to app_user
  using ((select nullif(current_setting('app.claims', true), '')::jsonb -> 'tenants') ? tenant_id);
create policy staff on public.orders for select to app_user
  using ((select current_setting('app.role', true) ~ '^(staff|root)$'));
create policy open_notes on public.orders as restrictive to app_user
  using (note is null or note not like 'internal:%');
