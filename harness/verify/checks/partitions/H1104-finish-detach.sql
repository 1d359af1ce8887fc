-- code: H1104
-- name: finish-detach
-- title: No partition of a tenant table is half detached
-- severity: medium
-- kind: catalogue
-- uses: tenant_tables
-- sources: https://www.postgresql.org/docs/current/sql-altertable.html
-- DETACH … CONCURRENTLY that was interrupted: the rows are gone from the parent, their place is still taken, and no
-- other partition of this table can be detached concurrently until this one is.
select format('%I.%I', n.nspname, c.relname) as object,
       case when i.inhdetachpending then 'fail' else 'pass' end as outcome,
       case when i.inhdetachpending
            then format('half detached from %s: its rows are not seen there, and no others are taken for their time',
                        t.relation)
            else format('attached to %s', t.relation) end as detail,
       case when i.inhdetachpending
            then format(
                'select inhrelid::regclass from pg_inherits where inhdetachpending and inhparent = %L::regclass;',
                t.relation) end as evidence,
       case when i.inhdetachpending then format('alter table %s detach partition %I.%I finalize;', t.relation,
                                                n.nspname, c.relname) end as fix,
       null::text as severity
  from tenant_tables t
  join pg_catalog.pg_inherits i on i.inhparent = t.oid
  join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
