select 'pg_catalog.pg_language'::regclass, l.oid, 0, format('language %I', l.lanname),
       case when l.lanpltrusted then 'trusted' end, l.lanowner, l.lanacl, 'l'::"char"
  from pg_catalog.pg_language as l
 where l.lanispl
