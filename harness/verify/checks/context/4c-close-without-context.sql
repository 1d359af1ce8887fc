-- code: 4c
-- name: close-without-context
-- title: Without a valid context no tenant table gives or takes a row
-- severity: critical
-- kind: probe
-- uses: contexts, observed, holes
select o.relation as object,
       case when not o.seen then 'error'
            when h.relation is null then 'pass'
            when h.visible or h.open <> '[]' then 'fail'
            when h.undecided then 'skipped'
            else 'fail' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when h.relation is null then format('closed in %s contexts', (select count(*) from contexts))
            when h.visible then format('%I reads rows with the context %s', o.role, h.context)
            when h.open <> '[]'
            then format('%I could %s rows with the context %s', o.role,
                        (select string_agg(e, ', ') from jsonb_array_elements_text(h.open) as e), h.context)
            else format('with the context %s it answers %s (%s)', h.context, h.sqlstate, h.message) end
       || case when h.again then ', in a second transaction of one connection' else '' end as detail,
       case when h.relation is not null then h.session
            || format(E'select count(*) from %s;  -- expected: 0\nrollback;', o.relation) end as evidence,
       case when h.relation is not null then o.mend end as fix,
       -- a policy that raises is an outage, not a leak
       case when not h.visible and h.open = '[]' then 'low' end as severity
  from observed o
  left join holes h on h.role = o.role and h.relation = o.relation
                   and (h.visible or case h.kind when 'closed' then h.open <> '[]' else h.open ? 'select' end
                        -- raising at garbage is as good as answering nothing; what every new or pooled session brings
                        -- should do without
                        or h.undecided
                        or h.sqlstate is not null
                           and (h.context in ('unset', 'empty string') or h.context like '% empty string'))
 -- several contexts may be open: the engine keeps the first of the worst
 order by o.relation, h.visible desc nulls last, h.ordinality, o.place
