-- superuser: postgres
-- owner: app_owner
-- database: app

-- A Postgres server as one sets it up oneself (PostgreSQL 14 and later): no platform roles, no schema auth, and an
-- owner whom row security binds. Run once, in the new database, by the bootstrap superuser.

create role app_owner nosuperuser inherit createdb createrole login noreplication nobypassrls;
comment on role app_owner is 'Owner of the database: neither superuser nor above row security';

alter database app owner to app_owner;
