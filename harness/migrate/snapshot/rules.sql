select 'pg_catalog.pg_rewrite'::regclass, r.oid, 0, format('rule %I on %s', r.rulename, c.name),
       concat_ws(E'\n', pg_catalog.pg_get_ruledef(r.oid),
                 case when r.ev_enabled <> 'O' then 'enabled ' || r.ev_enabled::text end),
       null, null, null
  from relations as c
  join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename <> '_RETURN'
