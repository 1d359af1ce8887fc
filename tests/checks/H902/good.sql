-- STABLE; or VOLATILE where the sub-select makes it one call.
create function public.tenant() returns uuid language plpgsql as $$
begin
  return nullif(current_setting('app.tenant_id', true), '')::uuid;
end $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = (select public.tenant()));
create policy also on public.orders to app_user using (tenant_id = (select public.current_tenant()));
