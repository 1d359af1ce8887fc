-- given: trees
-- A node runs from its token n to its token last. fields stand before its first child, after belongs to its parent;
-- above are its ancestors, the nearest first, and path their names from the root. Tree by tree, so that the work grows
-- with their number and no faster.
nodes as materialized (
  select t.tree_id, k.n, k.last, k.tag, k.fields, k.after, coalesce(k.path, '') as path, k.above, k.above_fields,
         k.disjunct,
         -- a column of the table itself, however deep in sub-queries it stands
         case when k.tag = 'VAR' and k.fields like ' :varno 1 %'
               and substring(k.fields, ':varlevelsup (\d+)')::int
                   = (length(coalesce(k.path, '')) - length(replace(coalesce(k.path, ''), '/QUERY', ''))) / 6
              then substring(k.fields, ':varattno (-?\d+) ')::int end as own
    from trees t
   cross join lateral (
     with opened as materialized (
       select *
         from (select w.n, w.opens, w.level, w.token[2] as tag, w.token[3] as fields,
                      lead(w.n) over matching as last, lead(w.token[3]) over matching as after
                 from (select m.n, m.token, m.token[1] = '{' as opens,
                              sum(case m.token[1] when '{' then 1 else -1 end)
                                over (order by m.n) + (m.token[1] = '}')::int as level
                         from regexp_matches(replace(replace(t.tree, '\{', ''), '\}', ''), '([{}])([A-Z]*)([^{}]*)',
                                             'g')
                              with ordinality as m (token, n)) as w
               window matching as (partition by w.level order by w.n)) as w
        where w.opens
     )
     select o.n, o.last, o.tag, o.fields, o.after, string_agg('/' || a.tag, '' order by a.n) as path,
            array_agg(a.n order by a.n desc) as above, array_agg(a.fields order by a.n desc) as above_fields,
            -- the operand of the outermost OR that it belongs to: what lets rows through by itself
            coalesce(min(a.n) filter (where not (a.tag = 'BOOLEXPR' and a.fields like ' :boolop or %')), o.n)
              as disjunct
       from opened o
       left join opened a on a.n < o.n and a.last > o.last
      group by o.n, o.last, o.tag, o.fields, o.after
   ) as k
)
