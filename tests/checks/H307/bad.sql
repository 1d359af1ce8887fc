-- Each user may write user_metadata, and with it the tenant.
create table public.orders (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select nullif(current_setting('app.claims', true), '')::jsonb -> 'user_metadata' ->> 'tenant'))
  with check (tenant_id = (select nullif(current_setting('app.claims', true), '')::jsonb #>> '{user_metadata,tenant}'));
-- out of sight
create function public.tenant_of_user() returns text language sql stable
as $$ select nullif(current_setting('app.claims', true), '')::jsonb -> 'user_metadata' ->> 'tenant' $$;
create table public.invoices (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.invoices enable row level security, force row level security;
grant select on public.invoices to app_user;
create policy tenant on public.invoices to app_user using (tenant_id = (select public.tenant_of_user()));
-- the column of the users' table
create schema auth;
grant usage on schema auth to app_user;
create table auth.users (id text primary key, raw_user_meta_data jsonb, raw_app_meta_data jsonb);
alter table auth.users enable row level security, force row level security;
grant select on auth.users to app_user;
create policy self on auth.users to app_user using (id = (select current_setting('app.user_id', true)));
create table public.files (tenant_id text not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy tenant on public.files to app_user using (tenant_id = (
  select u.raw_user_meta_data ->> 'tenant' from auth.users u where u.id = current_setting('app.user_id', true)));
