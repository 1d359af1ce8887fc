select 'pg_catalog.pg_class'::regclass, c.oid, 0, format('sequence %s', c.name),
       concat_ws(E'\n',
         format('%s from %s by %s between %s and %s cache %s%s', q.seqtypid::regtype, q.seqstart, q.seqincrement,
                q.seqmin, q.seqmax, q.seqcache,
                case when q.seqcycle then ' cycle' else '' end),
         (select format('of column %s.%I', d.refobjid::regclass, a.attname)
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
           where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.refclassid = d.classid
             and d.deptype in ('a', 'i'))),
       c.relowner, c.relacl, 's'::"char"
  from relations as c
  join pg_catalog.pg_sequence as q on q.seqrelid = c.oid
