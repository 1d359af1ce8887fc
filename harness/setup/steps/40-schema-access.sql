-- title: the roles may look into the schemas
-- runbook: 2
-- `auth` belongs to the platform where its owner installed pg_session_jwt: a grant by us would only warn, and policies
-- work without it, since they are bound to the function. It is granted where we may.
select format('schema %I', n.nspname) as object,
       format('%I has no USAGE', r.rolname) as missing,
       format('grant usage on schema %I to %I;', n.nspname, r.rolname) as statement
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_roles r
    on r.rolname
       = any (case n.nspname
                   when 'public' then array['authenticated', 'anonymous', 'app_background', 'app_pii', 'pii_reader']
                                       else array['authenticated', 'app_background'] end)
 where (n.nspname = 'public'
        or n.nspname = 'auth' and has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION')
           and exists (select from pg_catalog.pg_extension where extname = 'pg_session_jwt'))
   and not has_schema_privilege(r.oid, n.oid, 'USAGE')
 order by n.nspname, r.rolname
