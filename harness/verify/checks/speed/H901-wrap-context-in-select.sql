-- code: H901
-- name: wrap-context-in-select
-- title: Policies ask the session once for each statement, not for each row
-- severity: low
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_report
-- sources: measured, see the page;
--   https://supabase.com/docs/guides/database/postgres/row-level-security#call-functions-with-select;
--   https://www.postgresql.org/docs/current/xfunc-volatility.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%FUNCEXPR%'
),
functions as materialized (
  select p.oid, p.prosecdef, p.provolatile, l.lanname, p.proname, p.oid::regprocedure::text as signature
    from pg_catalog.pg_proc p
    join pg_catalog.pg_language l on l.oid = p.prolang
   where p.oid in (select substring(fields, '^ :funcid (\d+)')::oid from nodes where tag = 'FUNCEXPR')
     and p.provolatile = 's' and (p.oid >= 16384 or p.proname = 'current_setting')
),
-- a call outside of sub-queries, and whether it is given a column of the row; what is compared beside it
parts as materialized (
  select n.tree_id, n.disjunct, a.n,
         max(substring(n.fields, '^ :funcid (\d+)')::oid::bigint) filter (where n.n = a.n and n.tag = 'FUNCEXPR')
           as function,
         bool_or(n.tag = 'FUNCEXPR') as calls, bool_or(n.own is not null) as of_row,
         min(n.own) filter (where a.n = n.above[1] and n.path ~ '/(SCALARARRAY)?OPEXPR$') as compared
    from nodes n
   cross join lateral unnest(n.above || n.n) as a (n)
   where n.path not like '%/SUBLINK%' and (n.tag = 'FUNCEXPR' or n.own is not null)
   group by n.tree_id, n.disjunct, a.n
),
calls as materialized (
  select p.tree_id, p.disjunct, p.of_row, f.signature, f.prosecdef, f.lanname, f.proname,
         array_agg(case when not p.calls then p.compared end) over (partition by p.tree_id, p.disjunct) as beside
    from parts p
    left join functions f on f.oid = p.function
),
faulty as materialized (
  select c.tree_id, c.disjunct, c.of_row, c.signature, c.prosecdef, c.proname, c.beside
    from calls c
   where c.signature is not null and (not c.of_row or c.prosecdef or c.lanname <> 'sql')
),
judged as materialized (
  select e.part, e.relation, e.polname, e.tenant_attnum, e.alteration, e.standard, f.of_row, f.signature, f.prosecdef,
         f.proname, f.beside,
         case when f.signature is not null then pg_get_expr(e.polqual, e.polrelid) end as using_was,
         case when f.signature is not null then pg_get_expr(e.polwithcheck, e.polrelid) end as check_was
    from policy_expressions e full join faulty f on f.tree_id = e.tree_id
),
grouped as materialized (
  select j.relation, j.polname, min(case when j.of_row and j.prosecdef then 3 else 4 end) as rank,
         string_agg(
             distinct format(case when j.of_row then 'policy %I calls %s for every row, since it is given a column'
                                  else 'policy %I calls %s for every row: write (select …)' end, j.polname,
                                       j.signature), '; ') as reason,
         min(j.alteration) as alteration, min(j.using_was) as using_was, min(j.check_was) as check_was,
         -- (select f()) is asked once; what needs the row is asked of the tenant's rows only
         case when bool_or(j.of_row) then format('(%%s) and %s', replace(coalesce(min(j.standard), 'false'), '%', '%%'))
              else '%s' end as form,
         '(?<![\w$".])((?:(?:"[^"]+"|[\w$]+)\.)?(?:'
           || string_agg(distinct regexp_replace(quote_ident(j.proname), '([^\w"])', '\\\1', 'g'), '|')
             filter (where not j.of_row)
           || ')\((?:[^()'']|''[^'']*''|\((?:[^()'']|''[^'']*'')*\))*\))' as call
    from judged j
   where j.part = 'using'  -- new rows are few
     and j.signature is not null and not (j.of_row and coalesce(j.tenant_attnum = any (j.beside), false))
   group by j.relation, j.polname
),
findings as (
  select g.relation, g.polname, g.rank, g.reason,
         g.alteration
           || case when g.using_was is not null
                   then format(E'\n  using (%s)',
                               format(g.form,
                                      coalesce(regexp_replace(g.using_was, g.call, '(select \1)', 'g'), g.using_was)))
                                      else '' end
         || case when g.check_was is not null
                 then format(E'\n  with check (%s)',
                             format(g.form,
                                    coalesce(regexp_replace(g.check_was, g.call, '(select \1)', 'g'), g.check_was)))
                                    else '' end || ';' as fix
    from grouped g
)
select object, outcome, coalesce(reasons, 'it asks the session once for each statement') as detail, evidence,
       fix, null::text as severity
  from policy_report
