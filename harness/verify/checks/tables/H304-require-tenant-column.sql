-- code: H304
-- name: require-tenant-column
-- title: Every row has a tenant, which nobody fills in by default
-- severity: high
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_subjects
-- sources: bypass catalogue row 17;
--   https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x
   where x.tree like '%NULLTEST%' or x.tree like '%COALESCE%' or x.tree like '%DISTINCTEXPR%'
),
-- The ways in which a row without a tenant passes: tenant is null or …, coalesce(tenant, context) = context, tenant is
-- not distinct from context.
passing as materialized (
  select n.tree_id, array_agg(distinct n.own) as columns
    from (select n.*, lead(n.tag) over (partition by n.tree_id order by n.n) as next from nodes n) as n
   where n.own is not null
     and (n.path ~ '/NULLTEST$' and n.after like ' :nulltesttype 0 %' and n.disjunct = n.above[1]
          or n.path ~ '/OPEXPR/COALESCE[A-Z]*$' and n.disjunct = n.above[2] and n.n = n.above[1] + 1
             and n.next <> 'CONST'
          or n.path ~ '/BOOLEXPR/DISTINCTEXPR$' and n.above_fields[2] like ' :boolop not %' and n.disjunct = n.above[2])
   group by n.tree_id
),
judged as materialized (
  select e.polrelid, e.polname, e.polpermissive, e.polcmd, e.floors, e.decides, e.tenant_attnum, p.columns
    from policy_expressions e
    full join passing p on p.tree_id = e.tree_id
),
lenient as materialized (
  select j.polrelid, string_agg(distinct quote_ident(j.polname), ', ') as policies
    from judged j
   where j.polpermissive and j.tenant_attnum = any (j.columns) and not coalesce(j.floors && array['*', j.polcmd], false)
   group by j.polrelid
),
tables as materialized (
  select s.oid, s.tenant_column, l.policies from policy_subjects s full join lenient l on l.polrelid = s.oid
)
select format('%I.%I', n.nspname, c.relname) as object,
       case when x.nullable or x.constant then 'fail' else 'pass' end as outcome,
       case when x.nullable and s.policies is not null
            then format('%I may be NULL, and policy %s lets such rows through for everybody', a.attname, s.policies)
            when x.constant then format('%I is %s where nobody says whose row it is%s', a.attname,
                                        pg_get_expr(d.adbin, d.adrelid),
                                        case when x.nullable then ', and may be NULL' else '' end)
            when x.nullable then format('%I may be NULL: such a row belongs to nobody, and no tenant sees it',
                                        a.attname)
            else format('%I is required', a.attname) end as detail,
       format(
           'select attname, attnotnull, pg_get_expr(adbin, adrelid) as default_value from pg_attribute left join '
           'pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = %L::regclass and attname = %L;',
              format('%I.%I', n.nspname, c.relname), a.attname) as evidence,
       concat_ws(E'\n',
                 case when x.constant then format('alter table %I.%I alter column %I drop default;', n.nspname,
                                                  c.relname, a.attname) end,
                        case when x.nullable
                             then format(
                                 'alter table %I.%I alter column %I set not null;  -- once every row has a tenant',
                                 n.nspname, c.relname, a.attname) end) as fix,
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
                           where k.conrelid = c.oid and k.contype = 'c' and k.convalidated
                             and k.conkey = array[a.attnum]
                             and pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NOT NULL)', a.attname)) as nullable,
          -- the same value every time: nothing in it is asked of the session, a sequence or chance
          coalesce(d.adbin::text !~ ':constisnull true|\{(SQLVALUEFUNCTION|NEXTVALUEEXPR)', false)
          and not exists (select from regexp_matches(d.adbin::text, ':(?:func|opfunc)id (\d+)', 'g') as f (id)
                            join pg_catalog.pg_proc p on p.oid = f.id[1]::oid
                           where p.provolatile <> 'i') as constant) as x
