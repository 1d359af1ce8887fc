-- NOT NULL stands with its column. What a partition has from its parent stands there.
select 'pg_catalog.pg_constraint'::regclass, k.oid, 0, format('constraint %I on %s', k.conname, c.name),
       pg_catalog.pg_get_constraintdef(k.oid), null, null, null
  from relations as c
  join pg_catalog.pg_constraint as k on k.conrelid = c.oid and k.conparentid = 0 and k.contype <> 'n'
   and k.coninhcount = 0
