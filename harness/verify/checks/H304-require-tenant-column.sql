-- code: H304
-- name: require-tenant-column
-- title: Every row has a tenant, which nobody fills in by default
-- severity: high
-- area: tables
-- kind: catalogue
-- sources: bypass catalogue row 17; https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs to which table, where
-- text only looks so. Equal trees are taken apart once.
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
parsed as materialized (
  select x.*, hashtextextended(x.tree, 0) as tree_id
    from (select p.oid as policy, p.polname, p.polrelid, p.polcmd, p.polpermissive, p.relation, p.relname, p.tenant_column, p.tenant_attnum, p.floors,
                 p.alteration, p.standard, p.polqual, p.polwithcheck,
                 e.part, e.part = 'check' or p.polwithcheck is null as decides,  -- on new rows
                 -- before version 17 a tree tells where in its statement each node stood
                 case when current_setting('server_version_num')::int >= 170000 then e.tree
                      else regexp_replace(e.tree, ' :location \d+', '', 'g') end as tree
            from policies p
           cross join lateral (values ('using', p.polqual::text), ('check', p.polwithcheck::text)) as e (part, tree)
           where e.tree is not null) as x
),
trees as materialized (
  select x.tree_id, x.tree from (select tree_id, min(tree) as tree from parsed group by tree_id) as x where x.tree like '%NULLTEST%' or x.tree like '%COALESCE%' or x.tree like '%DISTINCTEXPR%'
),
expressions as materialized (
  select * from parsed where (tree_id in (select tree_id from trees)) is true
),
-- A node runs from its token n to its token last. fields stand before its first child, after belongs to its parent; above are its
-- ancestors, the nearest first, and path their names from the root. Tree by tree, so that the work grows with their number and no faster.
nodes as materialized (
  select t.tree_id, k.n, k.last, k.tag, k.fields, k.after, coalesce(k.path, '') as path, k.above, k.above_fields, k.disjunct,
         -- a column of the table itself, however deep in sub-queries it stands
         case when k.tag = 'VAR' and k.fields like ' :varno 1 %'
               and substring(k.fields, ':varlevelsup (\d+)')::int = (length(coalesce(k.path, '')) - length(replace(coalesce(k.path, ''), '/QUERY', ''))) / 6
              then substring(k.fields, ':varattno (-?\d+) ')::int end as own
    from trees t
   cross join lateral (
     with opened as materialized (
       select *
         from (select w.n, w.opens, w.level, w.token[2] as tag, w.token[3] as fields,
                      lead(w.n) over matching as last, lead(w.token[3]) over matching as after
                 from (select m.n, m.token, m.token[1] = '{' as opens,
                              sum(case m.token[1] when '{' then 1 else -1 end) over (order by m.n) + (m.token[1] = '}')::int as level
                         from regexp_matches(replace(replace(t.tree, '\{', ''), '\}', ''), '([{}])([A-Z]*)([^{}]*)', 'g')
                              with ordinality as m (token, n)) as w
               window matching as (partition by w.level order by w.n)) as w
        where w.opens
     )
     select o.n, o.last, o.tag, o.fields, o.after, string_agg('/' || a.tag, '' order by a.n) as path,
            array_agg(a.n order by a.n desc) as above, array_agg(a.fields order by a.n desc) as above_fields,
            -- the operand of the outermost OR that it belongs to: what lets rows through by itself
            coalesce(min(a.n) filter (where not (a.tag = 'BOOLEXPR' and a.fields like ' :boolop or %')), o.n) as disjunct
       from opened o
       left join opened a on a.n < o.n and a.last > o.last
      group by o.n, o.last, o.tag, o.fields, o.after
   ) as k
),
-- The ways in which a row without a tenant passes: tenant is null or …, coalesce(tenant, context) = context, tenant is not distinct from context.
passing as materialized (
  select n.tree_id, array_agg(distinct n.own) as columns
    from (select n.*, lead(n.tag) over (partition by n.tree_id order by n.n) as next from nodes n) as n
   where n.own is not null
     and (n.path ~ '/NULLTEST$' and n.after like ' :nulltesttype 0 %' and n.disjunct = n.above[1]
          or n.path ~ '/OPEXPR/COALESCE[A-Z]*$' and n.disjunct = n.above[2] and n.n = n.above[1] + 1 and n.next <> 'CONST'
          or n.path ~ '/BOOLEXPR/DISTINCTEXPR$' and n.above_fields[2] like ' :boolop not %' and n.disjunct = n.above[2])
   group by n.tree_id
),
judged as materialized (
  select e.polrelid, e.polname, e.polpermissive, e.polcmd, e.floors, e.decides, e.tenant_attnum, p.columns
    from expressions e
    full join passing p on p.tree_id = e.tree_id
),
lenient as materialized (
  select j.polrelid, string_agg(distinct quote_ident(j.polname), ', ') as policies
    from judged j
   where j.polpermissive and j.tenant_attnum = any (j.columns) and not coalesce(j.floors && array['*', j.polcmd], false)
   group by j.polrelid
),
tables as materialized (
  select s.oid, s.tenant_column, l.policies from subjects s full join lenient l on l.polrelid = s.oid
)
select format('%I.%I', n.nspname, c.relname) as object,
       case when x.nullable or x.constant then 'fail' else 'pass' end as outcome,
       case when x.nullable and s.policies is not null then format('%I may be NULL, and policy %s lets such rows through for everybody', a.attname, s.policies)
            when x.constant then format('%I is %s where nobody says whose row it is%s', a.attname, pg_get_expr(d.adbin, d.adrelid), case when x.nullable then ', and may be NULL' else '' end)
            when x.nullable then format('%I may be NULL: such a row belongs to nobody, and no tenant sees it', a.attname)
            else format('%I is required', a.attname) end as detail,
       format('select attname, attnotnull, pg_get_expr(adbin, adrelid) as default_value from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = %L::regclass and attname = %L;',
              format('%I.%I', n.nspname, c.relname), a.attname) as evidence,
       concat_ws(E'\n', case when x.constant then format('alter table %I.%I alter column %I drop default;', n.nspname, c.relname, a.attname) end,
                        case when x.nullable then format('alter table %I.%I alter column %I set not null;  -- once every row has a tenant', n.nspname, c.relname, a.attname) end) as fix,
       case when not x.constant and not (x.nullable and s.policies is not null) then 'low' end as severity
  from tables s
  join pg_catalog.pg_class c on c.oid = s.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum and a.attgenerated = ''
 cross join lateral (
   select not a.attnotnull and not t.typnotnull
          and not exists (select from pg_catalog.pg_constraint k
                           where k.conrelid = c.oid and k.contype = 'c' and k.convalidated and k.conkey = array[a.attnum]
                             and pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NOT NULL)', a.attname)) as nullable,
          -- the same value every time: nothing in it is asked of the session, a sequence or chance
          coalesce(d.adbin::text !~ ':constisnull true|\{(SQLVALUEFUNCTION|NEXTVALUEEXPR)', false)
          and not exists (select from regexp_matches(d.adbin::text, ':(?:func|opfunc)id (\d+)', 'g') as f (id)
                            join pg_catalog.pg_proc p on p.oid = f.id[1]::oid
                           where p.provolatile <> 'i') as constant) as x
