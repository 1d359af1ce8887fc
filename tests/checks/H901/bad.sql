create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
  with check (tenant_id = public.current_tenant());
-- an argument with brackets and quotes; a name that has to be quoted
create function public."Tenant (of)"(name text) returns uuid language sql stable
  as $$ select nullif(current_setting(name, true), '')::uuid $$;
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user
  using (tenant_id = public."Tenant (of)"(lower('app.tenant_id)'))
         or tenant_id = public."Tenant (of)"('app.tenant_id'));
-- whose rows they are asked of a function, row by row
create function public.is_mine(tenant uuid) returns boolean language plpgsql stable security definer
  set search_path = '' as $$
begin
  return tenant = public.current_tenant();
end $$;
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user using (public.is_mine(tenant_id));
