-- The roles that have to do with the tenant tables ($1: their oids): who is bound by their policies, who owns them, who
-- stands above.
with tables as (
  select c.oid, c.relowner, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)) as acl
    from pg_catalog.pg_class c
   where c.oid = any ($1::oid[])
),
owners as (
  select distinct relowner as role from tables
),
named as (
  -- A role for which every policy that names it says just "true" is let in on purpose: staff, exports, support.
  select r.role, count(*) as policies,
         bool_and(p.polpermissive and coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'true') = 'true'
                  and coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true') as unconditional
    from tables t
    join pg_catalog.pg_policy p on p.polrelid = t.oid
   cross join unnest(p.polroles) as r (role)
   group by r.role
),
granted as (
  select a.grantee as role from tables t cross join pg_catalog.aclexplode(t.acl) as a
  union
  select g.grantee
    from tables t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attacl is not null
   cross join pg_catalog.aclexplode(a.attacl) as g
)
select k.rolname as name, k.rolcanlogin as login,
       k.rolsuper or k.rolbypassrls as bypass,
       n.role is not null as named, coalesce(n.policies, 0)::int as policies,
       k.oid in (select role from owners) as owner,
       exists (select from owners o where pg_catalog.pg_has_role(k.oid, o.role, 'USAGE')) as "ownsByMembership",
       coalesce(n.unconditional, false) and k.rolname not in ('authenticated', 'anon', 'anonymous')
         and exists (select from named o where o.role <> k.oid and not o.unconditional) as staff
  from pg_catalog.pg_roles k
  left join named n on n.role = k.oid
 where k.rolname !~ '^pg_'
   and (n.role is not null
     or k.oid in (select role from granted)
     or k.oid in (select role from owners)
     or k.rolcanlogin and 0::oid in (select role from granted)
     -- a login role that gets at the tables through another one adds nothing, unless it is the only one that we can be
     or k.rolname = session_user
        and exists (select from tables t
                     where pg_catalog.has_any_column_privilege(k.oid, t.oid, 'SELECT, INSERT, UPDATE'))
     or (k.rolsuper or k.rolbypassrls) and k.rolcanlogin)
 order by k.rolname = 'authenticated' desc, n.policies desc nulls last, k.rolname
