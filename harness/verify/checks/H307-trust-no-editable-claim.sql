-- code: H307
-- name: trust-no-editable-claim
-- title: No policy trusts what users may write about themselves
-- severity: critical
-- area: policies
-- kind: catalogue
-- sources: bypass catalogue row 20; https://supabase.com/docs/guides/database/postgres/row-level-security; https://supabase.com/docs/guides/database/database-advisors?lint=0015_rls_references_user_metadata
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
-- The constant is looked for as the bytes that the tree holds (user_metadata), and the rare tree that has them read as text.
direct as materialized (
  select p.relation, p.polname, p.alteration, p.polpermissive and not coalesce(p.floors && array['*', p.polcmd], false) as opens, p.polqual, x.*,
         x.using_text || coalesce(x.check_text, '') ~ '''[^'']*\muser_metadata\M[^'']*''|\mraw_user_meta_data\M' as trusting
    from policies p
   cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') as using_text, pg_get_expr(p.polwithcheck, p.polrelid) as check_text) as x
   where concat(p.polqual, p.polwithcheck) like any (array['%117 115 101 114 95 109 101 116 97 100 97 116 97%', '%raw\_user\_meta\_data%'])
),
indirect as materialized (
  select b.function, b.signature, x.body ~ '''[^'']*\muser_metadata\M[^'']*''|\mraw_user_meta_data\M' as trusting
    from bodies b
   cross join lateral (select coalesce(b.code, pg_get_function_sqlbody(b.function)) as body) as x
   where b.function >= 16384 and b.lanname not in ('c', 'internal')
)
select d.relation as object, case when bool_or(d.trusting) then 'fail' else 'pass' end as outcome,
       coalesce(string_agg(format('policy %I trusts user_metadata, which its user can change', d.polname), '; ' order by d.polname) filter (where d.trusting), 'it does not trust user_metadata') as detail,
       format('select polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %L::regclass;', d.relation) as evidence,
       string_agg(d.alteration || case when d.polqual is not null then format(E'\n  using (%s)', replace(replace(d.using_text, 'raw_user_meta_data', 'raw_app_meta_data'), 'user_metadata', 'app_metadata')) else '' end
                  || case when d.check_text is not null then format(E'\n  with check (%s)', replace(replace(d.check_text, 'raw_user_meta_data', 'raw_app_meta_data'), 'user_metadata', 'app_metadata')) else '' end || ';',
                  E'\n' order by d.polname) filter (where d.trusting) as fix,
       case when not bool_or(d.trusting and d.opens) then 'medium' end as severity
  from direct d
 group by d.relation
union all
select i.signature, case when i.trusting then 'fail' else 'pass' end,
       case when i.trusting then 'policies lead to it, and it trusts user_metadata, which its user can change' else 'it does not trust user_metadata' end,
       format('select pg_get_functiondef(%L::regprocedure);', i.signature),
       case when i.trusting then replace(replace(pg_get_functiondef(i.function), 'raw_user_meta_data', 'raw_app_meta_data'), 'user_metadata', 'app_metadata') || ';' end,
       null
  from indirect i
