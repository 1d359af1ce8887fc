-- uses: trusted_roles
-- Somebody in whose hands a schema ($1) or one of its objects is, whom this session has no reason to trust: their code
-- would run with its rights.
with objects as (
  select n.nspowner as owner, format('schema %I', n.nspname) as object from pg_catalog.pg_namespace n
   where n.nspname = $1
  union all
  select c.relowner, c.oid::regclass::text from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select p.proowner, p.oid::regprocedure::text from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = $1
)
select pg_get_userbyid(o.owner) as owner, o.object
  from objects o
 where o.owner not in (select t.oid from trusted_roles t)
 order by o.object limit 1
