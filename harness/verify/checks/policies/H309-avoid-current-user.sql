-- code: H309
-- name: avoid-current-user
-- title: No policy takes the shared role for the tenant
-- severity: high
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, function_bodies, reached_functions, policies, policy_report
-- sources: bypass catalogue row 23; https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SESSION
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%SQLVALUEFUNCTION%'
),
-- A comparison of a column with current_user, session_user and the like; and whether the same operand of OR compares
-- another column of the row.
compared as materialized (
  select n.tree_id, n.disjunct, a.n,
         bool_or(n.tag = 'OPEXPR' and a.n = n.n) as comparison,
         bool_or(n.tag = 'SQLVALUEFUNCTION' and n.fields ~ '^ :op (9|10|11|12) ') as asks_user,
         bool_or(n.tag = 'VAR') as has_column,
         array_agg(n.own) filter (where n.own is not null and a.n = n.above[1] and n.path not like '%/SUBLINK%')
           as columns
    from nodes n
   cross join lateral unnest(n.above || n.n) as a (n)
   where n.tag in ('OPEXPR', 'SQLVALUEFUNCTION', 'VAR')
   group by n.tree_id, n.disjunct, a.n
),
operands as materialized (
  select c.tree_id, c.disjunct, bool_or(c.comparison and c.asks_user and c.has_column) as by_user,
         (select array_agg(x)
            from unnest(
                string_to_array(string_agg(array_to_string(c.columns, ','), ',')
                                filter (where c.comparison and not c.asks_user), ',')) as x) as beside
    from compared c
   group by c.tree_id, c.disjunct
),
judged as materialized (
  select e.policy, e.relation, e.polname, e.polpermissive, e.polcmd, e.floors, e.tenant_attnum, e.tenant_column,
         e.alteration, e.standard, e.polqual, e.polwithcheck, o.by_user, o.beside
    from policy_expressions e full join operands o on o.tree_id = e.tree_id
),
functional as materialized (
  select distinct d.objid as policy, b.signature
    from (select * from function_bodies
           where tree
                 ~ '\{OPEXPR [^{}]*:args \((\{VAR [^{}]*\}|\{RELABELTYPE :arg \{VAR [^{}]*\}[^{}]*\}) (\{RELABELTYPE '
                   ':arg |\{COERCEVIAIO :arg )?\{SQLVALUEFUNCTION :op (9|10|11|12) |\{OPEXPR [^{}]*:args '
                   '\((\{RELABELTYPE :arg |\{COERCEVIAIO :arg )?\{SQLVALUEFUNCTION :op (9|10|11|12) [^{}]*\}[^{}]*\}? '
                   '?(\{RELABELTYPE :arg )?\{VAR '
              or regexp_replace(code, '''[^'']*''', '''''',
                                'g') ~* '[\w"]\s*=\s*\(?\s*(current_user|session_user|current_role)\M|\m(current_user|session_user|current_role)(\s*::\s*\w+)?\s*=\s*[a-z_"]') as b
    join reached_functions r on r.function = b.function
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass
     and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = r.root
),
findings as (
  select x.relation, x.polname, 2 as rank,
         string_agg(distinct case when x.signature is null
                                  then format(
                                      'policy %I compares a column with current_user, which is the same role for every '
                                      'tenant', x.polname)
                                  else format(
                                      'policy %I leads to %s, which looks the tenant up by current_user: the same role '
                                      'for every tenant', x.polname, x.signature) end, '; ') as reason,
         min(x.alteration || case when x.polqual is not null then format(E'\n  using (%s)', x.standard) else '' end
             || case when x.polwithcheck is not null then format(E'\n  with check (%s)', x.standard) else '' end
               || ';') as fix
    from (select j.relation, j.polname, null as signature, j.alteration, j.standard, j.polqual, j.polwithcheck
            from judged j
           where j.by_user and j.tenant_column is not null and j.polpermissive
             and not coalesce(j.floors && array['*', j.polcmd], false)
             and not coalesce(j.tenant_attnum::text = any (j.beside), false)
          union all
          select p.relation, p.polname, f.signature, p.alteration, p.standard, p.polqual, p.polwithcheck
            from functional f
            join policies p on p.oid = f.policy
           where p.tenant_column is not null and p.polpermissive
             and not coalesce(p.floors && array['*', p.polcmd], false)) as x
   group by x.relation, x.polname
)
select object, outcome, coalesce(reasons, 'no column is compared with the session''s role') as detail, evidence,
       fix, severity
  from policy_report
