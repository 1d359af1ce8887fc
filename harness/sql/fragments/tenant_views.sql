-- uses: model
-- Views and materialized views, but for those that the model exempts.
tenant_views as materialized (
  select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as relation, c.relnamespace, c.relowner, r.oid as rule,
         coalesce(o.invoker, false) as invoker, coalesce(o.barrier, false) as barrier
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.ev_type = '1'
    left join lateral (select bool_or(x.option_value::boolean) filter (where x.option_name = 'security_invoker')
                       as invoker,
                              bool_or(x.option_value::boolean) filter (where x.option_name = 'security_barrier')
                                as barrier
                         from pg_catalog.pg_options_to_table(c.reloptions) as x) as o on c.relkind = 'v'
   where c.relkind in ('v', 'm') and c.oid >= 16384 and c.relpersistence <> 't'
     and not coalesce((select model -> 'exempt' from model) ? (n.nspname || '.' || c.relname), false)
)
