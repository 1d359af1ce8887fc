-- code: H102
-- name: force-row-security
-- title: Row security binds the table's owner too
-- severity: low
-- kind: catalogue
-- uses: tenant_tables, tenant_roles
select t.relation as object,
       case when c.relforcerowsecurity then 'pass' else 'fail' end as outcome,
       case when c.relforcerowsecurity then 'row security is forced'
            when member.role is not null
            then format('row security is not forced, and %I has the rights of the owner %I', member.role, o.rolname)
            else format('row security is not forced: the owner %I is not subject to it', o.rolname) end as detail,
       case when not c.relforcerowsecurity
            then format('select relforcerowsecurity from pg_class where oid = %L::regclass;', t.relation) end
                 as evidence,
       case when not c.relforcerowsecurity then format('alter table %s force row level security;', t.relation) end
         as fix,
       case when member.role is not null then 'critical' end as severity
  from tenant_tables t
  join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)
  join pg_catalog.pg_roles o on o.oid = c.relowner
  left join lateral (select r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
                      where pg_has_role(k.oid, c.relowner, 'USAGE') order by r.role limit 1) as member on true
 where c.relrowsecurity  -- where it is off, H101 speaks
