-- code: H902
-- name: mark-context-stable
-- title: No policy calls a VOLATILE function for each row
-- severity: low
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_report
-- sources: measured, see the page; https://www.postgresql.org/docs/current/xfunc-volatility.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%FUNCEXPR%'
),
functions as materialized (
  select p.oid, p.proname, p.oid::regprocedure::text as name,
         format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)) as signature,
         -- as far as its text tells; one that writes must stay as it is
         coalesce(regexp_replace(p.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ',
                                 'g') !~* '\m(insert|update|delete|merge|truncate|create|alter|drop|execute|set_config|nextval|pg_notify|notify)\M', false) as only_reads
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where p.oid in (select substring(fields, '^ :funcid (\d+)')::oid from nodes where tag = 'FUNCEXPR')
     and p.provolatile = 'v' and p.oid >= 16384
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
parts as materialized (
  select n.tree_id, a.n,
         max(substring(n.fields, '^ :funcid (\d+)')::oid::bigint) filter (where n.n = a.n and n.tag = 'FUNCEXPR')
           as function, bool_or(n.own is not null) as of_row
    from nodes n
   cross join lateral unnest(n.above || n.n) as a (n)
   where (n.tag = 'FUNCEXPR' or n.own is not null)
     -- (select f()) is asked once, whatever f says of itself
     and not (n.path like '%/SUBLINK/QUERY/TARGETENTRY%'
              and exists (select from unnest(n.above_fields) as f
                           where f like ' :commandType %' and f like '%:rtable <>%'))
   group by n.tree_id, a.n
),
calls as materialized (
  select p.tree_id, p.of_row, f.signature, f.name, f.proname, f.only_reads
    from parts p left join functions f on f.oid = p.function
),
faulty as materialized (
  select tree_id, signature, name, proname, only_reads, bool_or(of_row) as of_row from calls where signature is not null
   group by tree_id, signature, name, proname, only_reads
),
judged as materialized (
  select e.part, e.relation, e.polname, e.alteration, e.standard, e.polqual, e.polwithcheck, e.polrelid, f.signature,
         f.name, f.proname, f.only_reads, f.of_row
    from policy_expressions e full join faulty f on f.tree_id = e.tree_id
),
findings as (
  select j.relation, j.polname, 3 as rank,
         string_agg(distinct format('policy %I calls %s for every row, since it is VOLATILE', j.polname, j.name),
                    '; ') as reason,
         concat_ws(E'\n',
                   string_agg(distinct case when j.only_reads then format('alter function %s stable;', j.signature) end,
                              E'\n'),
                   max(j.alteration || case when j.polqual is not null then format(E'\n  using (%s)', x.using_is)
                                            else '' end
                       || case when j.polwithcheck is not null then format(E'\n  with check (%s)', x.check_is)
                               else '' end || ';')) as fix
    from judged j
   cross join lateral (
     select case when j.of_row
                 then format('(%s) and %s', pg_get_expr(j.polqual, j.polrelid), coalesce(j.standard, 'false'))
                 else regexp_replace(pg_get_expr(j.polqual, j.polrelid), p.pattern, '(select \1)', 'g') end as using_is,
            case when j.of_row
                 then format('(%s) and %s', pg_get_expr(j.polwithcheck, j.polrelid), coalesce(j.standard, 'false'))
                 else regexp_replace(pg_get_expr(j.polwithcheck, j.polrelid), p.pattern, '(select \1)', 'g') end
                      as check_is
       from (select '(?<![\w$".])((?:(?:"[^"]+"|[\w$]+)\.)?'
             || regexp_replace(quote_ident(j.proname), '([^\w"])', '\\\1', 'g')
               || '\((?:[^()'']|''[^'']*''|\((?:[^()'']|''[^'']*'')*\))*\))' as pattern) as p) as x
   where j.part = 'using'  -- new rows are few
     and j.signature is not null
   group by j.relation, j.polname
)
select object, outcome, coalesce(reasons, 'it calls no VOLATILE function for each row') as detail, evidence, fix,
       null::text as severity
  from policy_report
