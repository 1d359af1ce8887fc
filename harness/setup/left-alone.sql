-- What the set-up does not touch, one sentence a row: tables without row security, which a grant would open to
-- everybody. One that the roles may use already is not its doing; `harness verify` judges it.
select format('table public.%I has no row security, so nothing is granted on it', c.relname) as note
  from pg_catalog.pg_class c
 where c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'public')
   and c.relkind in ('r', 'p')
   and not c.relrowsecurity
   and pg_has_role(c.relowner, 'USAGE')
   and not exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
   and not exists (select from pg_catalog.pg_roles r
                    where r.rolname in ('authenticated', 'app_background')
                      and has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
 order by c.relname
