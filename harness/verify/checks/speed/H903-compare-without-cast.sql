-- code: H903
-- name: compare-without-cast
-- title: Policies compare the tenant column as it is
-- severity: low
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_report
-- sources: measured, see the page; https://www.postgresql.org/docs/current/indexes-expressional.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%COERCEVIAIO%' or x.tree like '%FUNCEXPR%'
),
compared as materialized (
  select n.tree_id, n.disjunct,
         array_agg(n.own) filter (where n.path ~ '/(COERCEVIAIO|FUNCEXPR)$' and o.oprname = '=') as changed,
         array_agg(n.own) filter (where n.path ~ '/(OPEXPR|RELABELTYPE)$') as plain
    from nodes n
    left join pg_catalog.pg_operator o on o.oid = substring(n.above_fields[2], '^ :opno (\d+)')::oid
   where n.own is not null
     and n.path ~ '^(/BOOLEXPR)*(/SUBLINK)?/(OPEXPR|SCALARARRAYOPEXPR)(/(COERCEVIAIO|FUNCEXPR|RELABELTYPE))?$'
   group by n.tree_id, n.disjunct
),
judged as materialized (
  select e.relation, e.part, e.polname, e.polrelid, e.polcmd, e.polpermissive, e.floors, e.tenant_column,
         e.tenant_attnum, e.alteration, e.standard, e.polqual, e.polwithcheck, c.changed, c.plain
    from policy_expressions e full join compared c on c.tree_id = e.tree_id
),
findings as (
  select j.relation, j.polname, 4 as rank,
         format('policy %I compares a value made from %I: an index on the column is of no use', j.polname,
                j.tenant_column) as reason,
         min(j.alteration || format(E'\n  using (%s)', j.standard)
             || case when j.polwithcheck is not null then format(E'\n  with check (%s)', j.standard) else '' end
               || ';') as fix
    from judged j
   where j.part = 'using'  -- new rows are not searched for
     and j.tenant_attnum = any (j.changed) and not coalesce(j.tenant_attnum = any (j.plain), false)
     -- a restrictive policy that compares the column itself narrows the search as well
     and not (j.polpermissive and coalesce(j.floors && array['*', j.polcmd], false))
     and not exists (select from pg_catalog.pg_index i
                      where i.indrelid = j.polrelid and i.indisvalid and i.indkey[0] = 0
                        and i.indexprs::text ~ format(':varattno %s ', j.tenant_attnum))
   group by j.relation, j.polname, j.tenant_column
)
select object, outcome, coalesce(reasons, 'it compares the tenant column as it is') as detail, evidence, fix,
       null::text as severity
  from policy_report
