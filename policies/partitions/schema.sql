-- The home of partition maintenance: nothing in here knows tenants, roles or tables of any platform, and it works in any database. Only
-- the owner of a table can do anything with it: all functions run with the rights of whoever calls them.
create schema if not exists partitions;
comment on schema partitions is 'Range partitions by time: which there have to be, how they are made and isolated, and how they go.';

revoke all on schema partitions from public;

create or replace function partitions.version() returns integer
language sql immutable parallel safe
return 3;
comment on function partitions.version() is 'Version of this function pack, raised with every change of what it does, so that harness knows whether to renew it.';

revoke execute on function partitions.version() from public;
