-- VOLATILE is what a function is if nobody says otherwise.
create function public.tenant() returns uuid language plpgsql as $$
begin
  return nullif(current_setting('app.tenant_id', true), '')::uuid;
end $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = public.tenant());
-- given the row
create function public.is_mine(tenant uuid) returns boolean language sql as $$ select tenant = public.tenant() $$;
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (public.is_mine(tenant_id));
-- for every row that a sub-query looks at; and it writes, so that it has to stay VOLATILE
create sequence public.calls;
grant usage on public.calls to app_user;
create function public.counted() returns uuid language plpgsql as $$
begin
  perform nextval('public.calls');
  return public.tenant();
end $$;
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user using (exists (
  select from public.orders o
   where o.tenant_id = files.tenant_id and o.id = files.id and o.tenant_id = public.counted()));
