edges as materialized (
  select distinct v.oid as view, d.refobjid as ref
    from views v
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = v.rule
                               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid
),
uses as materialized (
  with recursive up as (
    select e.view, t.oid as used from edges e join tables t on t.oid = e.ref
    union
    select e.view, up.used from up join edges e on e.ref = up.view
  )
  select * from up
),
