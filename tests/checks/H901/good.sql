-- Wrapped; inside a sub-query that is asked once; IMMUTABLE; or given a column of rows that are the tenant's already.
create function public.is_open(at date) returns boolean language sql immutable return at > '2000-01-01';
create function public.may_see(tenant uuid, id int) returns boolean language plpgsql stable security definer
  set search_path = '' as $$
begin
  return id < 1000 and tenant is not null;
end $$;
create table public.orders (tenant_id uuid not null, id int not null, day date, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) and public.is_open(day)
         and day < now())
  with check (tenant_id = (select public.current_tenant()));
create policy seen on public.orders as restrictive for select to app_user
  using (tenant_id = (select public.current_tenant()) and public.may_see(tenant_id, id));
