select 'pg_catalog.pg_cast'::regclass, k.oid, 0,
       format('cast (%s as %s)', k.castsource::regtype, k.casttarget::regtype),
       format('%s%s', case k.castcontext when 'e' then 'explicit' when 'a' then 'on assignment' else 'implicit' end,
              case k.castmethod when 'f' then ' by ' || k.castfunc::regprocedure::text when 'i' then ' by text'
                   else ' binary' end),
       null, null, null
  from pg_catalog.pg_cast as k
 where k.oid >= 16384
