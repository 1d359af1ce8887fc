-- Whether the registry of PII protection can be read here without running any code of the database: plain tables, all
-- of whose columns are of the server's own types. Whether the session can become the roles that see sealed values ($1)
-- and keys ($2).
select count(*) filter (where c.relname <> 'guest_columns') = 2 as installed,
       coalesce(bool_or(c.relname = 'guest_columns'), false) as "hasGuestColumns",
       coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT')), false)
         as readable,
       coalesce((select pg_has_role(session_user, r.oid,
                                    case when current_setting('server_version_num')::int >= 160000 then 'SET'
                                         else 'MEMBER' end)
                   from pg_catalog.pg_roles r where r.rolname = $1), false) as "seesRows",
       coalesce((select pg_has_role(session_user, r.oid,
                                    case when current_setting('server_version_num')::int >= 160000 then 'SET'
                                         else 'MEMBER' end)
                   from pg_catalog.pg_roles r where r.rolname = $2), false) as "seesKeys"
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid
   and c.relname in ('protected_tables', 'protected_columns', 'guest_columns')
   and c.relkind = 'r' and not c.relhasrules
 where n.nspname = 'pii'
   and not exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384)
