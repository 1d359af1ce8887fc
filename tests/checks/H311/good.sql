-- What policies read has row security, or only its owner's functions read it.
create schema access;
grant usage on schema access to app_user;
create table access.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table access.members enable row level security, force row level security;
grant select on access.members to app_user;
create policy mine on access.members to app_user using (user_id = (select current_setting('app.user_id', true)));
create table access.tokens (tenant_id uuid not null, token text primary key);
create function access.token_tenant() returns uuid language sql stable security definer set search_path = ''
as $$ select t.tenant_id from access.tokens t where t.token = current_setting('app.token', true) $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy by_membership on public.orders to app_user using (tenant_id in (
  select m.tenant_id from access.members m where m.user_id = (select current_setting('app.user_id', true))));
create policy by_token on public.orders to app_user using (tenant_id = (select access.token_tenant()));
