select 'pg_catalog.pg_operator'::regclass, o.oid, 0, format('operator %s', o.oid::regoperator),
       format('by %s', o.oprcode), o.oprowner, null, null
  from schemas as s
  join pg_catalog.pg_operator as o on o.oprnamespace = s.oid
