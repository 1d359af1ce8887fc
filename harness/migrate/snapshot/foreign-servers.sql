-- Without their options: among them may be passwords.
select 'pg_catalog.pg_foreign_server'::regclass, f.oid, 0, format('server %I', f.srvname),
       (select format('foreign data wrapper %I', w.fdwname) from pg_catalog.pg_foreign_data_wrapper as w
         where w.oid = f.srvfdw),
       f.srvowner, f.srvacl, 'S'::"char"
  from pg_catalog.pg_foreign_server as f
