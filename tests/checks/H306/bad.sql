create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
-- directly
create function public.tenant() returns uuid language sql immutable
  as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
create policy tenant on public.orders to app_user using (tenant_id = (select public.tenant()));

-- behind a wrapper that says of itself what is right, through another that does not, in a body of the standard's form
create schema inner_workings;
grant usage on schema inner_workings to app_user;
create function inner_workings."Setting"(name text) returns text language sql stable return current_setting(name, true);
create function inner_workings.claim(name text) returns text language sql immutable return inner_workings."Setting"(
    name);
create function public.tenant_of_claims() returns uuid language plpgsql stable set search_path = '' as $$
begin
  return nullif(inner_workings.claim('app.tenant_id'), '')::uuid;
end $$;
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (tenant_id = (select public.tenant_of_claims()));

-- a table
create table public.plans (tenant_id uuid not null, plan text not null, primary key (tenant_id, plan));
alter table public.plans enable row level security, force row level security;
grant select on public.plans to app_user;
create policy tenant on public.plans to app_user using (tenant_id = (select public.current_tenant()));
create function public.has_plan(wanted text) returns boolean language sql immutable
as $$ select exists (select from "plans" p where p.plan = wanted) $$;
create policy paid on public.invoices as restrictive to app_user using ((select public.has_plan('paid')));
