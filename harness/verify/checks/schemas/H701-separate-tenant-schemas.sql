-- code: H701
-- name: separate-tenant-schemas
-- title: Where every tenant has a schema of its own, a role reaches one of them
-- severity: critical
-- kind: catalogue
-- uses: model, tenant_roles
-- sources: bypass catalogue row 51; https://www.postgresql.org/docs/current/ddl-schemas.html
-- Only where such a layout is evident: schemas with the same tables, without row security. With a single role for all
-- of them nothing but search_path keeps the tenants apart, and any statement can set that or name another schema.
select quote_ident(r.role) as object,
       case when cardinality(r.schemas) > 1 then 'fail' else 'pass' end as outcome,
       case when cardinality(r.schemas) > 1
            then format('%I reaches %s of %s schemas with the same tables (%s), such as %I and %I', r.role,
                        cardinality(r.schemas), r.of, r.tables, r.schemas[1], r.schemas[2])
            when cardinality(r.schemas) = 1
            then format('%I reaches only %I of %s schemas with the same tables', r.role, r.schemas[1], r.of)
            else format('%I reaches none of %s schemas with the same tables', r.role, r.of) end as detail,
       case when cardinality(r.schemas) > 1
            then format(
                E'begin;\nset local role %I;\n%sselect * from %I.%I limit 1;  -- expected: permission denied\nrollback;', r.role,
                        case when r.way[2] <> r.role then format(E'set local role %I;\n', r.way[2]) end, r.schemas[2],
                        r.first_table) end as evidence,
       case when cardinality(r.schemas) > 1
            then E'-- all but the first, which stays the role''s own\n' || r.fix end as fix,
       null::text as severity
  from (
    with tables as materialized (
      select n.oid as schema, n.nspname, n.nspowner, c.oid, c.relname, c.relrowsecurity
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join model
       where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
         and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
         and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
         and not exists (select from pg_catalog.pg_depend d
                          where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    ),
    layouts as materialized (
      select schema, nspname, nspowner, count(*) as tables, min(relname) as first_table,
             min(oid::bigint)::oid as only_table,
             string_agg(quote_ident(relname), ', ' order by relname) as names
        from tables
       group by schema, nspname, nspowner
    ),
    -- one table alone has to agree in its columns too: many schemas have a table "migrations"
    alike as materialized (
      select l.*, count(*) over (partition by l.names, k.columns) as copies,
             dense_rank() over (order by l.names, k.columns) as layout
        from layouts l
        left join lateral (select string_agg(a.attname || ' ' || a.atttypid, ', ' order by a.attnum) as columns
                             from pg_catalog.pg_attribute a
                            where a.attrelid = l.only_table and a.attnum > 0 and not a.attisdropped) as k
                               on l.tables = 1
    ),
    candidates as materialized (
      select * from alike where copies > 1
    ),
    -- who a tenant role is, or can become
    guises as materialized (
      select t.role, k.oid as tenant, s.oid, s.rolname
        from tenant_roles t
        join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper
        join pg_catalog.pg_roles s
          on s.oid = k.oid
          or not s.rolsuper
             and pg_has_role(k.oid, s.oid,
                             case when current_setting('server_version_num')::int >= 160000 then 'SET'
                                  else 'MEMBER' end)
    ),
    reached as materialized (
      select distinct on (g.role, c.schema) g.role, g.tenant, g.oid as guise, g.rolname, c.schema, c.nspname,
             c.nspowner, c.layout
        from candidates c
       cross join guises g
       where has_schema_privilege(g.oid, c.schema, 'USAGE')
         and exists (select from tables t
                      where t.schema = c.schema and not t.relrowsecurity
                        and (has_any_column_privilege(g.oid, t.oid, 'SELECT, INSERT, UPDATE')
                             or has_table_privilege(g.oid, t.oid, 'DELETE')))
       order by g.role, c.schema, g.oid <> g.tenant
    ),
    -- the tenant's own schema first: named like the role, owned by it
    ranked as (
      select r.*,
             row_number() over (partition by r.role, r.layout order by r.nspname = r.role desc,
                                r.nspowner = r.tenant desc, r.nspname) as place
        from reached r
    )
    select t.role, l.layout, l.of, l.tables, l.first_table, coalesce(w.schemas, '{}') as schemas, w.way, w.fix
      from tenant_roles t
      join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper
     cross join (select layout, max(copies) as of, min(names) as tables, min(first_table) as first_table from candidates
                  group by layout) as l
      left join lateral (select array_agg(r.nspname order by r.place) as schemas,
                         array_agg(r.rolname order by r.place) as way,
                                string_agg(f.fix, E'\n' order by r.place) filter (where r.place > 1) as fix
                           from ranked r
                           left join lateral (
                             -- granted to everybody, to the role itself, or to a role that it is a member of
                             select string_agg(distinct case when a.grantee = 0
                                                             then format('revoke usage on schema %I from public;',
                                                                         r.nspname)
                                         when a.grantee = r.tenant
                                         then format('revoke usage on schema %I from %I;', r.nspname, r.role)
                                         else format('revoke %I from %I%s;', m.rolname, r.role, m.by) end, E'\n') as fix
                               from pg_catalog.pg_namespace n
                              cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a
                               left join lateral (select b.rolname,
                                                         case when current_setting('server_version_num')::int >= 160000
                                                              then format(' granted by %I', g.rolname) else '' end as by
                                                    from pg_catalog.pg_auth_members x
                                                    join pg_catalog.pg_roles b on b.oid = x.roleid
                                                    join pg_catalog.pg_roles g on g.oid = x.grantor
                                                   where x.member = r.tenant
                                                     and pg_has_role(b.oid, a.grantee, 'MEMBER')) as m
                                                      on a.grantee not in (0, r.tenant)
                              where n.oid = r.schema and a.privilege_type = 'USAGE'
                                and (a.grantee in (0, r.tenant) or m.rolname is not null)) as f on true
                          where r.role = t.role and r.layout = l.layout) as w on true
  ) as r
