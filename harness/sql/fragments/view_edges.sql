-- uses: tenant_views
-- What each view reads itself.
view_edges as materialized (
  select distinct v.oid as view, d.refobjid as ref
    from tenant_views v
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = v.rule
                               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid
)
