-- title: tenancy.claims() reads the claims the way this platform hands them over
-- runbook: 1
-- apply: policies/tenancy/claims.sql
-- Where pg_session_jwt came after the migrations, the function still reads the setting itself, and signed claims don't
-- count. Looked up in the catalogue and not by to_regprocedure(), which fails where we have no USAGE on auth.
with functions as (
  select p.oid, format('%s.%s', n.nspname, p.proname) as name
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where p.pronargs = 0
     and ((n.nspname = 'tenancy' and p.proname = 'claims') or (n.nspname = 'auth' and p.proname = 'session'))
)
select 'function tenancy.claims()' as object,
       'does not go through auth.session(), although pg_session_jwt is installed' as missing,
       null::text as statement
  from functions claims
  join functions session on session.name = 'auth.session'
 where claims.name = 'tenancy.claims'
   and exists (select from pg_catalog.pg_extension where extname = 'pg_session_jwt')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = claims.oid
                      and d.refobjid = session.oid)
