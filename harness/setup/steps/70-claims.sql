-- title: tenancy.claims() reads the claims the way this platform hands them over
-- runbook: 1
-- apply: policies/tenancy/claims.sql
-- Where pg_session_jwt came after the migrations, the function still reads the setting itself, and signed claims don't count.
select 'function tenancy.claims()' as object,
       'does not go through auth.session(), although pg_session_jwt is installed' as missing,
       null::text as statement
 where to_regprocedure('tenancy.claims()') is not null
   and to_regprocedure('auth.session()') is not null
   and exists (select from pg_catalog.pg_extension where extname = 'pg_session_jwt')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = to_regprocedure('tenancy.claims()')
                      and d.refobjid = to_regprocedure('auth.session()'))
