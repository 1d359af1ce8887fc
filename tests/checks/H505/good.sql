-- as: superuser
create extension postgres_fdw;
create extension dblink;
revoke execute on all functions in schema public from public;
grant execute on function public.current_tenant() to app_user;

-- The operators' server: a mapping for one role, tables that no tenant role reaches.
create server books foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1', dbname 'books');
create user mapping for neondb_owner server books options (user 'books', password 'secret');
grant usage on foreign server books to neondb_owner;
create foreign table public.invoices (tenant_id uuid, total numeric) server books;
grant select on public.invoices to neondb_owner;

-- A privilege in a schema without USAGE.
create schema store;
create foreign table store.log (line text) server books;
grant select on store.log to app_user;

-- Shared on purpose: it is in the configuration.
create foreign table public.rates (currency text, rate numeric) server books;
grant select on public.rates to app_user;
