-- code: H308
-- name: match-claims-exactly
-- title: What the session says it is is compared with =, not matched
-- severity: high
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, function_bodies, reached_functions, policies, policy_report
-- sources: bypass catalogue rows 21 and 22; https://www.postgresql.org/docs/current/functions-matching.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x
   where x.tree ~ (select format(':(opno|funcid) (%s) ', string_agg(k.oid::text, '|'))
                     from (select oid from pg_catalog.pg_operator where oprname in ('~~', '~~*', '~', '~*', '^@', '?')
                            union all select oid from pg_catalog.pg_proc
                                       where pronamespace = 'pg_catalog'::regnamespace
                                         and proname in ('strpos', 'position', 'starts_with', 'regexp_like',
                                                         'regexp_match', 'regexp_count')) as k)
),
functions as materialized (
  select p.oid, p.provolatile <> 'i' as asks,
         p.proname in ('strpos', 'position', 'starts_with', 'regexp_like', 'regexp_match', 'regexp_count',
                       'similar_to_escape') and p.pronamespace = 'pg_catalog'::regnamespace as matches
    from pg_catalog.pg_proc p
   where p.oid in (select substring(fields, '^ :funcid (\d+)')::oid from nodes where tag = 'FUNCEXPR')
),
-- what each node has in it that matters
parts as materialized (
  select n.tree_id, n.disjunct, n.n, n.above, n.own, n.tag, n.fields,
         coalesce(f.asks, false) as asks, coalesce(f.matches, false) and f.oid is not null as matches, o.oprname
    from nodes n
    left join functions f on f.oid = substring(n.fields, '^ :funcid (\d+)')::oid
    left join pg_catalog.pg_operator o on o.oid = substring(n.fields, '^ :opno (\d+)')::oid
   where n.own is not null or n.tag in ('FUNCEXPR', 'OPEXPR', 'CONST')
),
matching as materialized (
  select p.tree_id, p.disjunct, a.n,
         max(p.oprname) filter (where a.n = p.n) as operator, bool_or(p.matches) filter (where a.n = p.n) as function,
         bool_or(p.own is not null) as own, bool_or(p.asks) as asks,
         bool_or(p.oprname in ('->', '->>', '#>', '#>>')) as part,
         -- a pattern that is a constant: with a wildcard, or a regular expression that does not say all of it
         bool_or(p.tag = 'CONST' and p.fields like ' :consttype 25 %' and p.fields ~ '\[.* (37|95) ') as wildcard,
         bool_or(p.tag = 'CONST' and p.fields like ' :consttype 25 %' and p.fields ~ '\[ \d+ \d+ \d+ \d+ 94 .* 36 \]')
           as anchored
    from parts p
   cross join lateral unnest(p.above || p.n) as a (n)
   group by p.tree_id, p.disjunct, a.n
),
beside as materialized (
  select m.*, w.own as row_too
    from matching m
    full join (select tree_id, disjunct, bool_or(own is not null) as own from nodes group by tree_id, disjunct) as w
      on w.tree_id = m.tree_id and w.disjunct = m.disjunct
),
faulty as materialized (
  select m.tree_id,
         min(case when m.own and m.asks and (m.operator in ('~~', '~~*', '~', '~*', '^@') or m.function) then 2
                  when not m.row_too and m.asks
                       and (m.operator in ('~~', '~~*') and m.wildcard or m.operator in ('~', '~*') and not m.anchored)
                       then 3
                  when m.own and m.asks and m.operator = '?' and not coalesce(m.part, false) then 4 end) as rank
    from beside m
   where m.tree_id is not null
   group by m.tree_id
),
judged as materialized (
  select e.policy, e.relation, e.polname, e.polpermissive, e.polcmd, e.floors, e.alteration, e.standard, e.polqual,
         e.polwithcheck, f.rank
    from policy_expressions e full join faulty f on f.tree_id = e.tree_id
),
-- in the bodies of functions: the session's word as the pattern, or matched with something that is no constant
functional as materialized (
  select distinct d.objid as policy, b.signature
    from (select * from function_bodies
           where code ~* '\m(i?like|similar\s+to)\s[^;,]{0,60}\mcurrent_setting\s*\(|\mcurrent_setting\s*\([^()]*\)[\s)]*(::\s*\w+[\s)]*)?\s(i?like|similar\s+to)\s+(?!\s*'')') as b
    join reached_functions r on r.function = b.function
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass
     and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = r.root
),
findings as (
  select x.relation, x.polname, min(case when x.held_back then 3 else x.rank end) as rank,
         string_agg(distinct case when x.signature is not null
                                  then format(
                                      'policy %I leads to %s, which matches what the session says against a pattern',
                                      x.polname, x.signature)
                                  when x.rank = 4
                                  then format('policy %I asks whether the tenant is a key of all claims', x.polname)
                                  else format(
                                      'policy %I matches what the session says against a pattern: %% and _ and parts '
                                      'of a name are let through', x.polname) end, '; ') as reason,
         min(x.alteration
             || case when x.polqual is not null then format(E'\n  using (%s)', coalesce(x.standard, 'false'))
                     else '' end
             || case when x.polwithcheck is not null then format(E'\n  with check (%s)', coalesce(x.standard, 'false'))
                     else '' end || ';') as fix
    from (select j.relation, j.polname, j.rank, null as signature, not j.polpermissive
          or coalesce(j.floors && array['*', j.polcmd], false) as held_back, j.alteration, j.standard, j.polqual,
             j.polwithcheck
            from judged j
           where j.rank is not null
          union all
          select p.relation, p.polname, 2, f.signature, not p.polpermissive
                 or coalesce(p.floors && array['*', p.polcmd], false), p.alteration, p.standard, p.polqual,
                    p.polwithcheck
            from functional f
            join policies p on p.oid = f.policy) as x
   group by x.relation, x.polname
)
select object, outcome, coalesce(reasons, 'nothing that the session says is matched against a pattern') as detail,
       evidence, fix, severity
  from policy_report
