-- title: no tenant makes temporary tables or large objects
-- runbook: 5
-- A temporary table outlives its transaction and comes first in every search_path: behind a pooler, the next tenant
-- writes into it. Large objects know no rows. Asked for where this role may answer: the database belongs to it, and on
-- managed servers the lo_ functions don't.
with large as (
  select p.oid, p.proowner, p.oid::regprocedure as signature, p.proacl
    from pg_catalog.pg_proc p
   where p.pronamespace = 'pg_catalog'::regnamespace and (p.proname like 'lo\_%' or p.proname in ('loread', 'lowrite'))
     and pg_has_role(p.proowner, 'USAGE')
     and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0)
)
select format('database %I', d.datname) as object,
       'PUBLIC may make temporary tables' as missing,
       format('revoke temporary on database %I from public;', d.datname) as statement
  from pg_catalog.pg_database d
 where d.datname = current_database() and pg_has_role(d.datdba, 'USAGE')
   and exists (select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                where a.grantee = 0 and a.privilege_type = 'TEMPORARY')
union all
select 'large objects',
       format('PUBLIC may call %s functions that read and write them', count(*)),
       -- whoever owns the database keeps them, for pg_restore
       format('revoke execute on function %1$s from public; grant execute on function %1$s to %2$I;',
              string_agg(l.signature::text, ', ' order by l.signature::text), o.rolname)
  from large l
 cross join pg_catalog.pg_database d
  join pg_catalog.pg_roles o on o.oid = d.datdba
 where d.datname = current_database()
 group by o.rolname
