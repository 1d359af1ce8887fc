select 'pg_catalog.pg_extension'::regclass, e.oid, 0, format('extension %I', e.extname),
       format('version %s in schema %I', e.extversion, n.nspname), null, null, null
  from pg_catalog.pg_extension as e
  join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
