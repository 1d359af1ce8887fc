-- uses: tenant_tables, model
-- The tenant tables, the partitions and children below them, and whatever else has row security.
protected_tables as materialized (
  with recursive tree as (
    select to_regclass(t.relation)::oid as oid, t.tenant_column from tenant_tables t
    union
    select i.inhrelid, tree.tenant_column from tree join pg_catalog.pg_inherits i on i.inhparent = tree.oid
  )
  select c.oid, format('%I.%I', n.nspname, c.relname) as relation, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
         array_agg(distinct tree.tenant_column) filter (where tree.tenant_column is not null) as tenant_columns
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join tree on tree.oid = c.oid
   where c.relkind in ('r', 'p', 'f') and c.oid >= 16384 and (tree.oid is not null or c.relrowsecurity)
     and not coalesce((select model -> 'exempt' from model) ? (n.nspname || '.' || c.relname), false)
   group by c.oid, n.nspname, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity
)
