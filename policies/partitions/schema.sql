-- The home of partition maintenance: nothing in here knows tenants, roles or tables of any platform, and it works in any database. Only
-- the owner of a table can do anything with it: all functions run with the rights of whoever calls them.
create schema if not exists partitions;
comment on schema partitions is 'Range partitions by time: which there have to be, how they are made and isolated, and how they go.';

revoke all on schema partitions from public;
