-- code: H106
-- name: limit-default-privileges
-- title: New tables give PUBLIC nothing, and tenant roles no more than SELECT, INSERT, UPDATE and DELETE
-- severity: medium
-- kind: catalogue
-- uses: model, confined_roles
-- sources: bypass catalogue row 7; https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
-- Plain DML for tenant roles is the contract: a new table without row security is H101's. What goes beyond it opens a
-- table even with row security, or to roles that nobody thought of.
with defaults as materialized (
  select d.oid, o.rolname as owner, n.nspname, d.defaclrole,
         format('default privileges of %I', o.rolname)
           || case when n.oid is not null then format(' in %I', n.nspname) else '' end as object,
         format('alter default privileges for role %I', o.rolname)
           || case when n.oid is not null then format(' in schema %I', n.nspname) else '' end as prefix, d.defaclacl
    from model, pg_catalog.pg_default_acl d
    join pg_catalog.pg_roles o on o.oid = d.defaclrole
    left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
   where d.defaclobjtype = 'r'
     and (d.defaclnamespace = 0 or (model -> 'schemas') ? n.nspname::text)
)
select d.object, case when x.detail is null then 'pass' else 'fail' end as outcome,
       coalesce('new tables: ' || x.detail,
                'new tables give tenant roles no more than SELECT, INSERT, UPDATE and DELETE') as detail,
       case when x.detail is not null
            then 'select defaclrole::regrole, defaclnamespace::regnamespace, defaclacl from pg_default_acl where '
                 'defaclobjtype = ''r'';' end as evidence,
       x.fix, null::text as severity
  from defaults d
  left join lateral (
    select string_agg(format('%s gets %s', g.name, g.names), '; ' order by g.name) as detail,
           string_agg(g.fix, E'\n' order by g.name) as fix
      from (
        select g.name,
               string_agg(a.privilege_type || case when a.is_grantable then ' with grant option' else '' end, ', '
                          order by a.privilege_type) as names,
               concat_ws(E'\n',
                         d.prefix || ' revoke '
                           || lower(string_agg(a.privilege_type, ', ' order by a.privilege_type)
                                    filter (where not g.contract)) || ' on tables from ' || g.name || ';',
                                d.prefix || ' revoke grant option for '
                                  || lower(string_agg(a.privilege_type, ', ' order by a.privilege_type)
                                           filter (where g.contract)) || ' on tables from ' || g.name || ';') as fix
          from aclexplode(d.defaclacl) as a
          left join pg_catalog.pg_roles k on k.oid = a.grantee
         cross join lateral (select case a.grantee when 0 then 'public' else quote_ident(k.rolname) end as name,
                                    a.grantee <> 0
                                      and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') as contract) as g
         where a.grantee <> d.defaclrole
           and (a.grantee = 0 or exists (select from confined_roles r where pg_has_role(r.oid, a.grantee, 'USAGE')))
           and (not g.contract or a.is_grantable)
         group by g.name
      ) as g
  ) as x on true
 order by d.object
