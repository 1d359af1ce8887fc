-- The database itself, with its owner and privileges. One row.
this_database as materialized (
  select d.oid, d.datdba, coalesce(d.datacl, acldefault('d', d.datdba)) as acl from pg_catalog.pg_database d
   where d.datname = current_database()
)
