-- code: H903
-- name: compare-without-cast
-- title: Policies compare the tenant column as it is
-- severity: low
-- area: speed
-- kind: catalogue
-- sources: measured, see the page; https://www.postgresql.org/docs/current/indexes-expressional.html
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
  select x.tree_id, x.tree from (select tree_id, min(tree) as tree from parsed group by tree_id) as x where x.tree like '%COERCEVIAIO%' or x.tree like '%FUNCEXPR%'
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
compared as materialized (
  select n.tree_id, n.disjunct,
         array_agg(n.own) filter (where n.path ~ '/(COERCEVIAIO|FUNCEXPR)$' and o.oprname = '=') as changed,
         array_agg(n.own) filter (where n.path ~ '/(OPEXPR|RELABELTYPE)$') as plain
    from nodes n
    left join pg_catalog.pg_operator o on o.oid = substring(n.above_fields[2], '^ :opno (\d+)')::oid
   where n.own is not null and n.path ~ '^(/BOOLEXPR)*(/SUBLINK)?/(OPEXPR|SCALARARRAYOPEXPR)(/(COERCEVIAIO|FUNCEXPR|RELABELTYPE))?$'
   group by n.tree_id, n.disjunct
),
judged as materialized (
  select e.relation, e.part, e.polname, e.polrelid, e.polcmd, e.polpermissive, e.floors, e.tenant_column, e.tenant_attnum, e.alteration, e.standard, e.polqual, e.polwithcheck, c.changed, c.plain
    from expressions e full join compared c on c.tree_id = e.tree_id
),
findings as (
  select j.relation, j.polname, 4 as rank,
         format('policy %I compares a value made from %I: an index on the column is of no use', j.polname, j.tenant_column) as reason,
         min(j.alteration || format(E'\n  using (%s)', j.standard) || case when j.polwithcheck is not null then format(E'\n  with check (%s)', j.standard) else '' end || ';') as fix
    from judged j
   where j.part = 'using'  -- new rows are not searched for
     and j.tenant_attnum = any (j.changed) and not coalesce(j.tenant_attnum = any (j.plain), false)
     -- a restrictive policy that compares the column itself narrows the search as well
     and not (j.polpermissive and coalesce(j.floors && array['*', j.polcmd], false))
     and not exists (select from pg_catalog.pg_index i
                      where i.indrelid = j.polrelid and i.indisvalid and i.indkey[0] = 0 and i.indexprs::text ~ format(':varattno %s ', j.tenant_attnum))
   group by j.relation, j.polname, j.tenant_column
)
select x.relation as object,
       case when count(x.rank) > 0 then 'fail' else 'pass' end as outcome,
       coalesce(string_agg(x.reason, '; ' order by x.polname), 'it compares the tenant column as it is') as detail,
       format('select polname, polpermissive, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %L::regclass;', x.relation) as evidence,
       string_agg(x.fix, E'\n' order by x.polname) as fix,
       null::text as severity
  from (select relation, polname, rank, reason, fix from findings
        union all
        select relation, polname, null, null, null from expressions) as x
 group by x.relation
