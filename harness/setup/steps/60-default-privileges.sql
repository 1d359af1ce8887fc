-- title: the roles may use the tables and sequences that are still to come
-- runbook: 2, 5
-- These open every later table of the owner too, so that one without row security is open at once: `harness verify`
-- fails on it.
with wanted as (
  select d.kind, d.object_type, d.privilege, d.place, r.rolname
    from (values ('tables', 'r', 'SELECT', 1), ('tables', 'r', 'INSERT', 2), ('tables', 'r', 'UPDATE', 3),
          ('tables', 'r', 'DELETE', 4),
                 ('sequences', 'S', 'USAGE', 5),
                 ('sequences', 'S', 'SELECT', 6)) as d (kind, object_type, privilege, place)
   cross join pg_catalog.pg_roles r
   where r.rolname in ('authenticated', 'app_background')
),
present as (
  select a.defaclobjtype::text as object_type, p.privilege_type as privilege, p.grantee
    from pg_catalog.pg_default_acl a
   cross join aclexplode(a.defaclacl) as p
   where a.defaclnamespace = 'public'::regnamespace
     and a.defaclrole = (select oid from pg_catalog.pg_roles where rolname = current_user)
)
select format('default privileges on %s in public', w.kind) as object,
       format('%I gets no %s', w.rolname, string_agg(w.privilege, ', ' order by w.place)) as missing,
       format('alter default privileges for role %I in schema public grant %s on %s to %I;',
              current_user, lower(string_agg(w.privilege, ', ' order by w.place)), w.kind, w.rolname) as statement
  from wanted w
 where not exists (select from present p
                    where p.object_type = w.object_type and p.privilege = w.privilege
                      and p.grantee in (0, (select oid from pg_catalog.pg_roles where rolname = w.rolname)))
 group by w.kind, w.rolname
 order by w.kind desc, w.rolname
