-- also: 4c H103
create table public.orders (tenant_id uuid not null, id int not null, total int, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select public.current_tenant()));
create policy anyone_adds on public.orders for insert to app_user with check (true);
