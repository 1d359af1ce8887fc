tables as materialized (
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
),
views as materialized (
  select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as relation, c.relnamespace, c.relowner, r.oid as rule,
         coalesce(o.invoker, false) as invoker, coalesce(o.barrier, false) as barrier
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
    left join lateral (select bool_or(x.option_value::boolean) filter (where x.option_name = 'security_invoker') as invoker,
                              bool_or(x.option_value::boolean) filter (where x.option_name = 'security_barrier') as barrier
                         from pg_catalog.pg_options_to_table(c.reloptions) as x) as o on c.relkind = 'v'
   where c.relkind in ('v', 'm') and c.oid >= 16384 and c.relpersistence <> 't'
     and not coalesce((select model -> 'exempt' from model) ? (n.nspname || '.' || c.relname), false)
),
