-- code: H112
-- name: forbid-temporary-tables
-- title: No tenant role makes temporary tables
-- severity: low
-- kind: catalogue
-- uses: tenant_guises, this_database
-- sources: bypass catalogue row 28; https://www.postgresql.org/docs/current/ddl-priv.html
-- A temporary table lasts as long as the connection and comes first in every search_path. Behind a pooler, what one
-- tenant has made is in the next one's way; where the application itself makes such tables, the next one finds their
-- rows.
-- what comes from the owner is H111's
with roles as materialized (
  select g.role, g.tenant as oid, min(g.rolname) as guise
    from tenant_guises g cross join this_database d
   where has_database_privilege(g.oid, d.oid, 'TEMPORARY') and not pg_has_role(g.oid, d.datdba, 'USAGE')
   group by g.role, g.tenant
),
-- Functions that leave a temporary table behind for whoever uses the connection next: dropped at commit is no such
-- thing, unless one that was there before would do as well.
makers as materialized (
  select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature, p.prosecdef,
         r.role
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    join roles r on has_function_privilege(r.oid, p.oid, 'EXECUTE') and has_schema_privilege(r.oid, n.oid, 'USAGE')
   cross join lateral regexp_replace(p.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g') as code
   where p.oid >= 16384 and l.lanname not in ('c', 'internal') and p.prosqlbody is null
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     and exists (select
                   from regexp_matches(code,
                                       '\m(?:create\s+(?:or\s+replace\s+)?(?:(?:local|global)\s+)?temp(?:orary)?\s+(?:table|sequence|(?:recursive\s+)?view)|into\s+temp(?:orary)?(?:\s+table)?)\M([^;]*)', 'gi') as m (rest)
                  where m.rest[1] !~* '\mon\s+commit\s+drop\M' or m.rest[1] ~* '^\s*if\s+not\s+exists\M')
)
select 'database' as object,
       case when r.names is null then 'pass' else 'fail' end as outcome,
       case when r.names is null then 'no tenant role may make temporary tables'
            when m.signature is not null
            then format(
                '%s makes temporary tables, which stay on the connection: the next tenant of a pooled connection finds '
                'their rows, as %s or in a table that %2$s made before',
                                                     m.signature, r.names)
            else format(
                '%s may make temporary tables, which come before all others: behind a pooler, the next tenant''s '
                'statements go to them', r.names) end as detail,
       case when r.names is not null
            then format('select has_database_privilege(%L, current_database(), ''TEMPORARY'');  -- expected: f',
                        r.role) end as evidence,
       case when r.names is not null
            then (select string_agg(format('revoke temporary on database %I from %s;', current_database(), x.grantee),
                                    E'\n' order by x.grantee)
                    from (select distinct case a.grantee when 0 then 'public' else quote_ident(g.rolname) end as grantee
                            from this_database d
                           cross join aclexplode(d.acl) as a
                            left join pg_catalog.pg_roles g on g.oid = a.grantee
                           where a.privilege_type = 'TEMPORARY' and a.grantee <> d.datdba
                             and (a.grantee = 0
                                  or exists (select from roles k where pg_has_role(k.oid, a.grantee, 'MEMBER')))) as x)
                 || case when m.prosecdef is false
                         then E'\n-- the function then fails for tenants: give it an ordinary table with a tenant '
                               'column' else '' end end as fix,
       case when m.signature is not null then 'high' end as severity
  from (select string_agg(quote_ident(role), ', ' order by role) as names, min(guise) as role from roles) as r
  left join (select signature, prosecdef from makers order by signature limit 1) as m on true
