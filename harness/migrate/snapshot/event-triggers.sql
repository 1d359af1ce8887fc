select 'pg_catalog.pg_event_trigger'::regclass, t.oid, 0, format('event trigger %I', t.evtname),
       format('on %s%s execute %s%s', t.evtevent, ' when tag in ' || t.evttags::text, t.evtfoid::regproc,
              case when t.evtenabled <> 'O' then ' enabled ' || t.evtenabled::text else '' end),
       t.evtowner, null, null
  from pg_catalog.pg_event_trigger as t
