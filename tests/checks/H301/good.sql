-- Columns of the same name on both sides, each with its table's name; sub-queries that return a column of their own.
create table public.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select on public.members to app_user;
create policy tenant on public.members to app_user using (tenant_id = (select public.current_tenant()));

create table public.orders (tenant_id uuid not null, id int not null, replaces int, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy by_membership on public.orders to app_user using (exists (
  select from public.members m
   where m.tenant_id = orders.tenant_id and m.user_id = (select current_setting('app.user_id', true))
     and m.tenant_id = (select public.current_tenant())));

create table public.invoices (tenant_id uuid not null, id int not null, replaces int, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy by_list on public.invoices to app_user using (tenant_id in (
  select tenant_id from public.members
   where user_id = (select current_setting('app.user_id', true)) and tenant_id = (select public.current_tenant())));
-- the same table twice, two columns of it; what EXISTS returns does not matter
create policy no_replaced on public.invoices as restrictive to app_user using (
  tenant_id = (select public.current_tenant())
  and not exists (select invoices.id from public.orders o
                    join public.orders p on p.tenant_id = o.tenant_id and p.id = o.replaces
                   where o.tenant_id = invoices.tenant_id and o.id = invoices.id and o.id <> o.replaces));
