select 'pg_catalog.pg_class'::regclass, c.oid, 0,
       format('%s %s',
              case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
                   else 'table' end, c.name),
       nullif(concat_ws(E'\n',
         case when c.relpersistence = 'u' then 'unlogged' end,
         case when c.relrowsecurity then 'row security enabled' end,
         case when c.relforcerowsecurity then 'row security forced' end,
         case when c.relkind = 'p' then 'partition by ' || pg_catalog.pg_get_partkeydef(c.oid) end,
         (select string_agg(format('%s %s%s', case when c.relispartition then 'partition of' else 'inherits' end,
                                   i.inhparent::regclass,
                                   ' ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid)), E'\n' order by i.inhseqno)
            from pg_catalog.pg_inherits as i where i.inhrelid = c.oid),
         case when c.reloftype <> 0 then 'of ' || c.reloftype::regtype::text end,
         (select 'with ' || string_agg(o, ', ' order by o) from unnest(c.reloptions) as o),
         case when c.relkind = 'r' and c.relam <> (select a.oid from pg_catalog.pg_am as a where a.amname = 'heap')
              then 'using ' || (select a.amname from pg_catalog.pg_am as a where a.oid = c.relam) end,
         case when c.relkind in ('r', 'p') and c.relreplident <> 'd' then 'replica identity '
              || c.relreplident::text end,
         case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end), ''),
       c.relowner, c.relacl, 'r'::"char"
  from relations as c
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
