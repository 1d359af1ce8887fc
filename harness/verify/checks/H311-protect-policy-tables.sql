-- code: H311
-- name: protect-policy-tables
-- title: Tables that policies read have row security too
-- severity: medium
-- area: policies
-- kind: catalogue
-- sources: bypass catalogue row 24; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
-- Of the model's own schemas H101 speaks.
-- The policies that a tenant role meets, each with what it belongs to.
, held as materialized (
  select array_agg(distinct h.oid) || 0::oid as roles, array_agg(distinct k.oid) as tenants
    from tenant_roles r
    join pg_catalog.pg_roles k on k.rolname = r.role
    join pg_catalog.pg_roles h on pg_has_role(k.oid, h.oid, 'USAGE')
),
subjects as materialized (
  select s.oid, max(s.tenant_column) as tenant_column, max(s.predicate) as predicate
    from (select t.oid, t."tenantColumn" as tenant_column,
                 coalesce(t.predicate, format('%I = (select %s)', t."tenantColumn", format(model ->> 'expression', t.type))) as predicate
            from model, jsonb_to_recordset(model -> 'tables') as t (oid oid, "tenantColumn" text, type text, predicate text)
          union all
          select c.oid, null, null
            from model, jsonb_array_elements_text(model -> 'schemas') as s (name)
            join pg_catalog.pg_namespace n on n.nspname = s.name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and c.relrowsecurity
           where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)) as s
   group by s.oid
),
policies as materialized (
  select p.oid, p.polname, p.polrelid, p.polcmd, p.polpermissive, format('%I.%I', n.nspname, c.relname) as relation, c.relname,
         s.tenant_column, a.attnum as tenant_attnum, p.polqual, p.polwithcheck,
         -- a restrictive policy that names the tenant holds back what a permissive one of the same command lets through
         array_agg(p.polcmd) filter (where not p.polpermissive and (0 = any (p.polroles) or p.polroles @> (select tenants from held))
                                           and exists (select from pg_catalog.pg_depend d
                                                        where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                                          and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum))
           over (partition by p.polrelid) as floors,
         format('alter policy %I on %I.%I', p.polname, n.nspname, c.relname) as alteration,
         s.predicate as standard  -- what the policy could say instead
    from subjects s
    join pg_catalog.pg_class c on c.oid = s.oid and c.relrowsecurity
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_policy p on p.polrelid = c.oid
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
   where p.polroles && (select roles from held)
),
-- Every function that the policies lead to. Of bodies in the SQL standard's form the catalogue knows what they call and read; in bodies that are text it is
-- looked for by name, outside comments.
reached as materialized (
  with recursive walk as (
    select distinct coalesce(o.oprcode::oid, d.refobjid) as root, null::oid as caller, coalesce(o.oprcode::oid, d.refobjid) as function
      from policies p
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                 and d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
      left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
    union
    select w.root, w.function, c.callee
      from walk w
     cross join lateral (
       select d.refobjid as callee
         from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = w.function and d.refclassid = 'pg_catalog.pg_proc'::regclass
       union
       select k.oid
         from pg_catalog.pg_proc f
        cross join lateral regexp_matches(regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g'),
                                          '(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)\s*\(', 'g') as m (name)
         join pg_catalog.pg_proc k on k.proname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
         join pg_catalog.pg_namespace n on n.oid = k.pronamespace
        where f.oid = w.function and f.prosqlbody is null and f.oid >= 16384
          and k.oid >= 16384 and k.oid <> f.oid
          and case when m.name[1] is not null
                   then n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
                   -- without a schema the server's own functions come first
                   else not exists (select from pg_catalog.pg_proc s where s.proname = k.proname and s.pronamespace = 'pg_catalog'::regnamespace) end
     ) as c
  )
  select w.root, w.caller, w.function from walk w
),
bodies as materialized (
  select f.oid as function, f.proname, f.provolatile, f.prosecdef, f.prosqlbody::text as tree, format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.oidvectortypes(f.proargtypes)) as signature, l.lanname,
         case when f.prosqlbody is null and l.lanname not in ('c', 'internal') then regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g') end as code
    from (select distinct function from reached) as r
    join pg_catalog.pg_proc f on f.oid = r.function
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    join pg_catalog.pg_language l on l.oid = f.prolang
),
-- the tables that they read
read_by_function as materialized (
  select b.function, d.refobjid as relid
    from bodies b
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = b.function and d.refclassid = 'pg_catalog.pg_class'::regclass
  union
  select b.function, c.oid
    from bodies b
   cross join lateral regexp_matches(regexp_replace(b.code, '\mdistinct\s+from\M', ' ', 'gi'), '\m(?:from|join|into|update)\s+(?:only\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m (name)
    join pg_catalog.pg_class c on c.relname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
                              and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where m.name[1] is null or n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
),
read as materialized (
  select x.relid, min(x.by) as by, array_agg(distinct x.tenant_column) as tenant_columns,
         -- what a policy of its own could say, where the column has the same name and the tenant is not looked up by this table in turn
         min(x.standard) filter (where x.standard not like '% in (select %') as standard, min(x.tenant_column) filter (where x.standard not like '% in (select %') as standard_column
    from (select d.refobjid as relid, format('policy %I on %s', p.polname, p.relation) as by, p.tenant_column, p.standard
            from policies p
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> p.polrelid
          union all
          select t.relid, format('policy %I on %s, in %s', p.polname, p.relation, r.root::regprocedure), p.tenant_column, p.standard
            from policies p
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_catalog.pg_proc'::regclass
            join reached r on r.root = d.refobjid
            join read_by_function t on t.function = r.function) as x
   group by x.relid
)
select format('%I.%I', n.nspname, c.relname) as object,
       case when c.relrowsecurity or g.role is null then 'pass' else 'fail' end as outcome,
       case when c.relrowsecurity then 'it has row security'
            when g.role is null then 'no tenant role has a privilege on it'
            else format('%s relies on it, and %I has %s on all its rows: it has no row security', r.by, g.role, g.privileges) end as detail,
       case when not c.relrowsecurity and g.role is not null
            then format(E'begin;\nset local role %I;\nselect count(*) from %I.%I;  -- every tenant''s\nrollback;', g.role, n.nspname, c.relname) end as evidence,
       case when not c.relrowsecurity then
         format('alter table %I.%I enable row level security;', n.nspname, c.relname)
         || coalesce((select format(E'\ncreate policy own_tenant on %I.%I for select to %s\n  using (%s);', n.nspname, c.relname,
                                    (select string_agg(quote_ident(t.role), ', ') from tenant_roles t join pg_catalog.pg_roles o on o.rolname = t.role), r.standard)
                        from pg_catalog.pg_attribute a
                       where a.attrelid = c.oid and a.attname = r.standard_column and a.attnum > 0 and not a.attisdropped),
                     E'\n-- and a policy for those rows that a session may know of, or the policies that read it find nothing') end as fix,
       -- who belongs to whom is worth more than a list that names no tenant
       case when exists (select from pg_catalog.pg_attribute a
                          where a.attrelid = c.oid and a.attname = any (r.tenant_columns) and a.attnum > 0 and not a.attisdropped)
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
       and case v.privilege when 'DELETE' then has_table_privilege(k.oid, c.oid, v.privilege) else has_any_column_privilege(k.oid, c.oid, v.privilege) end
     group by t.role order by t.role limit 1) as g on true
 where n.nspname not in ('pg_catalog', 'information_schema')
   and not (select (model -> 'schemas') ? n.nspname or (model -> 'exempt') ? (n.nspname || '.' || c.relname) from model)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
