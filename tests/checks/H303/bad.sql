-- also: H311
-- Whoever one is, one may add oneself to any tenant.
create table public.members (tenant_id uuid not null, user_id text not null, note text,
                             primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select, insert on public.members to app_user;
create policy mine on public.members for select to app_user
  using (user_id = (select current_setting('app.user_id', true)));
create policy join_any
  on public.members for insert to app_user with check (user_id = (select current_setting('app.user_id', true)));
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy by_membership on public.orders to app_user using (exists (
  select from public.members m
   where m.tenant_id = orders.tenant_id and m.user_id = (select current_setting('app.user_id', true))));

-- USING alone does not look at the new tenant
create table public.profiles (tenant_id uuid not null, user_id text not null, name text,
                              primary key (tenant_id, user_id));
alter table public.profiles enable row level security, force row level security;
grant select, update on public.profiles to app_user;
create policy mine on public.profiles to app_user using (user_id = (select current_setting('app.user_id', true)));
create function public.my_tenant() returns uuid language sql stable security definer set search_path = ''
begin atomic; select p.tenant_id from public.profiles p where p.user_id = current_setting('app.user_id', true)
               limit 1; end;
create table public.invoices (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy by_profile on public.invoices to app_user using (tenant_id = (select public.my_tenant()));

-- shares of one document, under another name than the tenant's, in a schema that nobody thought of
create schema "Access";
grant usage on schema "Access" to app_user;
create table "Access"."Shares" (org uuid not null, user_id text not null, primary key (org, user_id));
grant select, insert on "Access"."Shares" to public;
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy shared on public.files to app_user using (tenant_id in (
  select s.org from "Access"."Shares" s where s.user_id = (select current_setting('app.user_id', true))));
