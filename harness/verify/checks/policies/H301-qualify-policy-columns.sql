-- code: H301
-- name: qualify-policy-columns
-- title: No policy compares a column with itself
-- severity: critical
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_report
-- sources: bypass catalogue row 13;
--   https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-SUBQUERIES
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%:rtekind 0 %' or x.tree not like '%SUBLINK%'
),
marked as materialized (
  select v.tree_id, v.disjunct, v.own, v.path, v.above, v.captured,
         count(*) over same = 2 and min(v.fields) over same = max(v.fields) over same and o.oprname = '=' as self,
         array_agg(v.above[4]) filter (where v.captured) over (partition by v.tree_id, v.disjunct) as captures
    from (select n.tree_id, n.disjunct, n.own, n.path, n.fields, n.above, n.above_fields,
                 -- varchar is compared as text
                 case when n.path ~ '/OPEXPR$' or n.path ~ '/BOOLEXPR/DISTINCTEXPR$'
                      and n.above_fields[2] like ' :boolop not %' then 1
                      when n.path ~ '/OPEXPR/RELABELTYPE$' then 2 end as lift,
                 -- what a sub-query returns is a column of the query around it; EXISTS does not look at what is
                 -- returned
                 n.path like '%/SUBLINK/QUERY/TARGETENTRY' and n.fields not like '%:varlevelsup 0 %'
                   and n.above_fields[3] not like ' :subLinkType 0 %'
                   and n.above_fields[2] not like '%:rtable <>%' as captured
            from nodes n
           where n.tag = 'VAR') as v
    left join pg_catalog.pg_operator o on o.oid = substring(v.above_fields[v.lift], '^ :opno (\d+)')::oid
  window same as (partition by v.tree_id, v.above[v.lift], v.lift)
),
faulty as materialized (
  select m.tree_id, m.disjunct, bool_or(m.self) as self, bool_or(m.captured) as captured,
         -- columns of the table that restrict the same operand of OR
         coalesce(array_agg(m.own) filter (where m.own is not null and not coalesce(m.self, false) and not m.captured
                                    and (m.path not like '%/SUBLINK%' or m.path like '%/FROMEXPR%')
                                    and not coalesce(m.above[1] = any (m.captures), false)), '{}') as guards
    from marked m
   group by m.tree_id, m.disjunct
),
judged as materialized (
  select e.*, f.self, f.captured, f.guards from policy_expressions e full join faulty f on f.tree_id = e.tree_id
),
findings as (
  select f.relation, f.polname, min(f.rank) as rank, string_agg(distinct f.reason, '; ') as reason,
         coalesce(min(m.statement), min(f.otherwise)) as fix
    from (select e.policy, e.polname, e.relation, e.relname, e.polrelid, e.alteration, e.polqual, e.polwithcheck,
                 case when e.polpermissive and not coalesce(e.floors && array['*', e.polcmd], false)
                      and not coalesce(e.tenant_attnum = any (e.guards), false)
                      then 1 else 3 end as rank,
                 format('policy %I %s', e.polname,
                        case when e.captured
                             then 'asks a sub-query for a column that only the table itself has, so that every row '
                                  'matches itself'
                                                   else 'compares a column with itself, which is true for every row' end) as reason,
                 e.alteration
                   || case when e.polqual is not null then format(E'\n  using (%s)', coalesce(e.standard, 'false'))
                           else '' end
                 || case when e.polwithcheck is not null
                         then format(E'\n  with check (%s)', coalesce(e.standard, 'false'))
                         else '' end || ';' as otherwise,
                 e.captured
            from judged e
           where e.self or e.captured) as f
    -- Which column was meant is known where the table has one of the same name: an inner name has hidden it.
    left join lateral (
      select case when x.using_was is distinct from x.using_is or x.check_was is distinct from x.check_is
                  then f.alteration || coalesce(E'\n  using (' || x.using_is || ')', '')
                       || coalesce(E'\n  with check (' || x.check_is || ')', '') || ';' end as statement
        from (select w.using_was, w.check_was,
                     regexp_replace(w.using_was, w.pattern,
                                    format('\1.\2\3 = %s.\2\3', replace(quote_ident(f.relname), '\', '\\')),
                                    'g') as using_is,
                     regexp_replace(w.check_was, w.pattern,
                                    format('\1.\2\3 = %s.\2\3', replace(quote_ident(f.relname), '\', '\\')),
                                    'g') as check_is
                from (select pg_get_expr(f.polqual, f.polrelid) as using_was,
                      pg_get_expr(f.polwithcheck, f.polrelid) as check_was,
                             format('(?<![\w$".])("(?:[^"]|"")+"|[\w$]+)\.(%s)() = \1\.\2(?![\w$])',
                                    string_agg(regexp_replace(quote_ident(a.attname), '([^\w"])', '\\\1', 'g'),
                                               '|')) as pattern
                        from pg_catalog.pg_attribute a
                       where a.attrelid = f.polrelid and a.attnum > 0 and not a.attisdropped) as w) as x
       where not f.captured
    ) as m on true
   group by f.relation, f.polname
)
select object, outcome, coalesce(reasons, 'no policy compares a column with itself') as detail, evidence, fix, severity
  from policy_report
