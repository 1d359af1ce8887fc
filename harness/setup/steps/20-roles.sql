-- title: the roles that queries and jobs run as
-- runbook: 1
-- LOGIN is not asserted: older Neon branches made these roles with it.
select format('role %I', wanted.role) as object,
       case when r.oid is null then 'does not exist'
            else 'has BYPASSRLS: no policy applies to it' end as missing,
       case when r.oid is null then format('create role %I nologin nobypassrls;', wanted.role)
            else format('alter role %I nobypassrls;', wanted.role) end as statement
  from (values (1, 'authenticated'), (2, 'anonymous'), (3, 'app_background'), (4, 'app_pii'), (5, 'pii_reader'))
       as wanted (place, role)
  left join pg_catalog.pg_roles r on r.rolname = wanted.role
 where r.oid is null or r.rolbypassrls
 order by wanted.place
