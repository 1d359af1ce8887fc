-- Policies rely on tables of which every tenant reads all.
create schema access;
grant usage on schema access to app_user;
create table access.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
grant select on access.members to app_user;
create table access.closed_days (day date primary key);
grant select on access.closed_days to app_user;
create table access.tokens (tenant_id uuid not null, token text primary key);
grant select (tenant_id) on access.tokens to app_user;
create function access.token_tenant() returns uuid language sql stable security definer set search_path = ''
as $$ select t.tenant_id from access.tokens t where t.token = current_setting('app.token', true) $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy by_membership on public.orders to app_user using (tenant_id in (
  select m.tenant_id from access.members m where m.user_id = (select current_setting('app.user_id', true))));
create policy by_token on public.orders to app_user using (tenant_id = (select access.token_tenant()));
create policy open_days on public.orders as restrictive to app_user
  using (not exists (select from access.closed_days c where c.day = current_date));
