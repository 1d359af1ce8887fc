-- code: H904
-- name: index-tenant-column
-- title: Every tenant table has an index that begins with the tenant column
-- severity: low
-- kind: catalogue
-- uses: policies
-- sources: measured, see the page; https://www.postgresql.org/docs/current/indexes-multicolumn.html
-- The policies that a tenant role meets, each with what it belongs to.
with indexed as materialized (
  select p.polrelid, p.relation, p.tenant_column, p.tenant_attnum
    from policies p
   where exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.polrelid
                    and d.refobjsubid = p.tenant_attnum)
   group by p.polrelid, p.relation, p.tenant_column, p.tenant_attnum
)
select t.relation as object,
       case when x.index is not null or x.by_partition or x.small then 'pass' else 'fail' end as outcome,
       case when x.index is not null then format('index %s', x.index)
            when x.by_partition then format('partitioned by %I', t.tenant_column)
            when x.small then format('none, and too small to need one: %s rows', c.reltuples::bigint)
            else format('no index begins with %I: every statement of a tenant reads the rows of all',
                        t.tenant_column) end as detail,
       format('select pg_get_indexdef(indexrelid) from pg_index where indrelid = %L::regclass;', t.relation)
         as evidence,
       format('create index on %s (%I);  -- concurrently, where the table is in use', t.relation, t.tenant_column)
         as fix,
       null::text as severity
  from indexed t
  join pg_catalog.pg_class c on c.oid = t.polrelid
 cross join lateral (
   select (select i.indexrelid::regclass::text
             from pg_catalog.pg_index i
             join pg_catalog.pg_class k on k.oid = i.indexrelid
             join pg_catalog.pg_am m on m.oid = k.relam
            where i.indrelid = c.oid and i.indisvalid
              -- an index on an expression of the column serves the policy that compares the same: H903 says where none
              -- does
              and (case when m.amname in ('gin', 'brin') then t.tenant_attnum = any (i.indkey)
                        else i.indkey[0] = t.tenant_attnum end
                   or i.indkey[0] = 0 and i.indexprs::text ~ format(':varattno %s ', t.tenant_attnum))
              and (i.indpred is null
                   or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', t.tenant_column))
            order by i.indexrelid limit 1) as index,
          coalesce((select p.partattrs[0] = t.tenant_attnum from pg_catalog.pg_partitioned_table p
                     where p.partrelid = c.oid), false) as by_partition,
          -- -1: nobody has counted yet, as in a new schema, and it may grow
          c.relkind = 'r' and c.reltuples >= 0 and c.reltuples < 10000 as small) as x
