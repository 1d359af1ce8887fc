-- Partition maintenance for any database: nothing in here knows tenants, roles or tables of a platform. All functions run with the rights
-- of their caller, so only the owner of a table can do anything with it.
create schema if not exists partitions;
comment on schema partitions is 'Range partitions by time: which partitions must exist, and how they are created, isolated and removed.';

revoke all on schema partitions from public;
