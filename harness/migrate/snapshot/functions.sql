select 'pg_catalog.pg_proc'::regclass, p.oid, 0,
       format('%s %I.%I(%s)', case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
              s.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       case when p.prokind <> 'a' then trim(trailing E'\n' from pg_catalog.pg_get_functiondef(p.oid))
            else (select format('state %s by %s%s, final %s', a.aggtranstype::regtype, a.aggtransfn,
                                ' from ' || quote_literal(a.agginitval), a.aggfinalfn)
                    from pg_catalog.pg_aggregate as a where a.aggfnoid = p.oid) end,
       p.proowner, p.proacl, 'f'::"char"
  from schemas as s
  join pg_catalog.pg_proc as p on p.pronamespace = s.oid
