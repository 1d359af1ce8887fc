-- also: 4c H201 H202 H203 H204 H205
create table public.orders (tenant_id uuid not null, id int not null, total int, primary key (tenant_id, id));
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select public.current_tenant()));
insert into public.orders values ('11111111-1111-4111-8111-111111111111', 1);
