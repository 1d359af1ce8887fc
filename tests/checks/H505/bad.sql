-- as: superuser
create extension postgres_fdw;
create extension file_fdw;
create schema links;
create extension dblink schema links;
grant usage on schema links to app_user;

-- Rows of all tenants behind a server that everybody is mapped to, and that the tenant role may name.
create server "books; --" foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1', dbname 'books');
create user mapping for public server "books; --" options (user 'books', password 'secret');
grant usage on foreign server "books; --" to app_user;
create foreign table public."Invoices" (tenant_id uuid, total numeric) server "books; --";
grant select on public."Invoices" to public;

-- A schema that is not in the configuration, one column, and a wrapper that needs no mapping.
create server files foreign data wrapper file_fdw;
create schema imports;
grant usage on schema imports to app_user;
create foreign table imports.log (line text) server files options (filename '/dev/null');
grant select (line) on imports.log to app_user;

-- What is in dblink without any grant, and a grant on top of it.
grant execute on function links.dblink_connect_u(text) to app_user;
