select 'pg_catalog.pg_namespace'::regclass, s.oid, 0, format('schema %I', s.nspname), null, s.nspowner, s.nspacl,
       'n'::"char"
  from schemas as s
