-- code: H311
-- name: protect-policy-tables
-- title: Tables that policies read have row security too
-- severity: medium
-- kind: catalogue
-- uses: policies, reached_functions, tables_read, tenant_roles, model
-- sources: bypass catalogue row 24; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
-- Of the model's own schemas H101 speaks.
-- The policies that a tenant role meets, each with what it belongs to.
with read as materialized (
  select x.relid, min(x.by) as by, array_agg(distinct x.tenant_column) as tenant_columns,
         -- what a policy of its own could say, where the column has the same name and the tenant is not looked up by
         -- this table in turn
         min(x.standard) filter (where x.standard not like '% in (select %') as standard,
         min(x.tenant_column) filter (where x.standard not like '% in (select %') as standard_column
    from (select d.refobjid as relid, format('policy %I on %s', p.polname, p.relation) as by, p.tenant_column,
          p.standard
            from policies p
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> p.polrelid
          union all
          select t.relid, format('policy %I on %s, in %s', p.polname, p.relation, r.root::regprocedure),
                 p.tenant_column, p.standard
            from policies p
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
             and d.refclassid = 'pg_catalog.pg_proc'::regclass
            join reached_functions r on r.root = d.refobjid
            join tables_read t on t.function = r.function) as x
   group by x.relid
)
select format('%I.%I', n.nspname, c.relname) as object,
       case when c.relrowsecurity or g.role is null then 'pass' else 'fail' end as outcome,
       case when c.relrowsecurity then 'it has row security'
            when g.role is null then 'no tenant role has a privilege on it'
            else format('%s relies on it, and %I has %s on all its rows: it has no row security', r.by, g.role,
                        g.privileges) end as detail,
       case when not c.relrowsecurity and g.role is not null
            then format(E'begin;\nset local role %I;\nselect count(*) from %I.%I;  -- every tenant''s\nrollback;',
                        g.role, n.nspname, c.relname) end as evidence,
       case when not c.relrowsecurity then
         format('alter table %I.%I enable row level security;', n.nspname, c.relname)
         || coalesce((select format(E'\ncreate policy own_tenant on %I.%I for select to %s\n  using (%s);', n.nspname,
                                    c.relname,
                                    (select string_agg(quote_ident(t.role), ', ') from tenant_roles t
                                       join pg_catalog.pg_roles o on o.rolname = t.role), r.standard)
                        from pg_catalog.pg_attribute a
                       where a.attrelid = c.oid and a.attname = r.standard_column and a.attnum > 0
                         and not a.attisdropped),
                     E'\n-- and a policy for those rows that a session may know of, or the policies that read it find '
                      'nothing') end as fix,
       -- who belongs to whom is worth more than a list that names no tenant
       case when exists (select from pg_catalog.pg_attribute a
                          where a.attrelid = c.oid and a.attname = any (r.tenant_columns) and a.attnum > 0
                            and not a.attisdropped)
              or g.privileges <> 'select' then 'medium' else 'low' end as severity
  from read r
  join pg_catalog.pg_class c on c.oid = r.relid and c.relkind in ('r', 'p')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select t.role, string_agg(lower(v.privilege), ', ') as privileges
      from tenant_roles t
      join pg_catalog.pg_roles k on k.rolname = t.role
     cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as v (privilege)
     where has_schema_privilege(k.oid, n.oid, 'USAGE')
       and case v.privilege when 'DELETE' then has_table_privilege(k.oid, c.oid, v.privilege)
                else has_any_column_privilege(k.oid, c.oid, v.privilege) end
     group by t.role order by t.role limit 1) as g on true
 where n.nspname not in ('pg_catalog', 'information_schema')
   and not (select (model -> 'schemas') ? n.nspname or (model -> 'exempt') ? (n.nspname || '.' || c.relname) from model)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
