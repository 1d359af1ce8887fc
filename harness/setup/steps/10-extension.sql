-- title: pg_session_jwt, which hands the token's claims to the policies
-- runbook: 1
-- Only where the server offers it: elsewhere tenancy.claims() reads request.jwt.claims itself.
select 'extension pg_session_jwt' as object,
       'is offered by the server and not installed in this database' as missing,
       'create extension pg_session_jwt;' as statement
 where exists (select from pg_catalog.pg_available_extensions where name = 'pg_session_jwt')
   and not exists (select from pg_catalog.pg_extension where extname = 'pg_session_jwt')
