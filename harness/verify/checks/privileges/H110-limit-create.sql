-- code: H110
-- name: limit-create
-- title: No tenant role creates objects where others look names up
-- severity: high
-- kind: catalogue
-- uses: ordinary_schemas, tenant_guises, schemas_looked_in, shared_logins, this_database, search_paths, tenant_roles
-- sources: https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS;
--   https://www.postgresql.org/docs/current/typeconv-func.html; CVE-2018-1058
-- Of functions that have the same name, the one whose arguments fit better is called, in whatever schema of the path it
-- stands; a name in an earlier schema hides the same one in a later. Whoever calls it runs it with rights of his own:
-- owners, jobs, other tenants.
with powers as (
  select format('schema %I', s.nspname) as object, g.role, g.tenant, g.rolname, x.reason, x.severity,
         format('has_schema_privilege(%L, %L, ''CREATE'')', g.rolname, s.nspname) as question,
         format('create on schema %I', s.nspname) as power, coalesce(s.nspacl, acldefault('n', s.nspowner)) as acl,
         s.nspowner as owner
    from ordinary_schemas s
    join tenant_guises g on has_schema_privilege(g.oid, s.oid, 'CREATE') and not pg_has_role(g.oid, s.nspowner, 'USAGE')
    join lateral (select string_agg(n.whose, ', ' order by n.whose) as reason, n.severity
                    from schemas_looked_in n cross join shared_logins x
                   -- where every tenant has a role of its own, a path that only this role has is its own affair
                   where n.oid = s.oid and (n.reader <> g.oid or x.shared)
                   group by n.severity order by n.severity limit 1) as x on true
  union all
  select 'database', g.role, g.tenant, g.rolname,
         case when u.oid is not null then format('a schema %I would come first in the search_path of %1$I',
                                                 u.rolname) end,
         case when u.oid is not null then 'high' else 'medium' end,
         format('has_database_privilege(%L, current_database(), ''CREATE'')', g.rolname),
         format('create on database %I', current_database()), d.acl, d.datdba
    from this_database d
    join tenant_guises g on has_database_privilege(g.oid, d.oid, 'CREATE') and not pg_has_role(g.oid, d.datdba, 'USAGE')
    left join lateral (select r.oid, r.rolname from pg_catalog.pg_roles r
                        where exists (select from search_paths where path ~ '\$user') and r.rolname !~ '^pg_'
                          and r.oid <> g.oid
                          and not exists (select from pg_catalog.pg_namespace n where n.nspname = r.rolname)
                        order by r.oid <> d.datdba, r.rolname limit 1) as u on true
),
worst as (
  select distinct on (p.object) p.* from powers p order by p.object, p.severity, p.role, p.rolname <> p.role
)
select w.object, 'fail' as outcome,
       format('%I has CREATE%s%s: what it makes there is found in place of what was meant', w.role,
              case when w.rolname <> w.role then format(' by way of %I', w.rolname) else '' end,
              case when w.object = 'database' then coalesce(', and ' || w.reason, '')
                   else format(', and it is in %s', w.reason) end) as detail,
       format('select %s;  -- expected: f', w.question) as evidence,
       (select string_agg(format('revoke %s from %s;', w.power, x.grantee), E'\n' order by x.grantee)
          from (select distinct case a.grantee when 0 then 'public' else quote_ident(r.rolname) end as grantee
                  from aclexplode(w.acl) as a
                  left join pg_catalog.pg_roles r on r.oid = a.grantee
                 where a.privilege_type = 'CREATE' and a.grantee <> w.owner
                   and (a.grantee = 0
                        or exists (select from tenant_guises g where pg_has_role(g.oid, a.grantee, 'USAGE'))))
                           as x) as fix,
       w.severity as severity
  from worst w
 union all
select format('schema %I', s.nspname), 'pass', 'no tenant role creates anything in it', null, null, null
  from ordinary_schemas s
 where exists (select from tenant_roles) and s.oid in (select oid from schemas_looked_in)
   and format('schema %I', s.nspname) not in (select object from worst)
 union all
select 'database', 'pass', 'no tenant role makes schemas', null, null, null
 where 'database' not in (select object from worst)
