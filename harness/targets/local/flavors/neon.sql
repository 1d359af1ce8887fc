-- superuser: cloud_admin
-- owner: neondb_owner
-- database: neondb
-- extensions: pg_session_jwt, pgtap

-- A new Neon project as its users find it (PostgreSQL 17). Run once, in the new database, by the bootstrap
-- superuser, whom users of the platform never are. The Data API's roles are not part of it: `harness setup`
-- makes those.

create role neon_superuser nosuperuser inherit createdb createrole nologin replication bypassrls;
comment on role neon_superuser is 'What Neon grants to every role that is made in its console: no superuser';

grant pg_read_all_data, pg_write_all_data, pg_monitor, pg_signal_backend, pg_create_subscription
  to neon_superuser with admin option;
grant pg_maintain to neon_superuser with admin true, inherit true, set false;

-- BYPASSRLS is an attribute and never inherited: the owner has it itself.
create role neondb_owner nosuperuser inherit createdb createrole login replication bypassrls
  in role neon_superuser;
comment on role neondb_owner is 'Owner of the database: bypasses row security, but is no superuser';

alter database neondb owner to neondb_owner;
grant all privileges on database neondb to neon_superuser;

alter default privileges in schema public grant all on tables to neon_superuser with grant option;
alter default privileges in schema public grant all on sequences to neon_superuser with grant option;
