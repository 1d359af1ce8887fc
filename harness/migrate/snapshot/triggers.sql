select 'pg_catalog.pg_trigger'::regclass, t.oid, 0, format('trigger %I on %s', t.tgname, c.name),
       concat_ws(E'\n',
         pg_catalog.pg_get_triggerdef(t.oid),
         case t.tgenabled when 'D' then 'disabled' when 'R' then 'on replicas only'
              when 'A' then 'on replicas too' end),
       null, null, null
  from relations as c
  join pg_catalog.pg_trigger as t on t.tgrelid = c.oid and not t.tgisinternal and t.tgparentid = 0
