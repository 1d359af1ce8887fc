-- code: H202
-- name: refuse-foreign-insert
-- title: A tenant stores no row for another
-- severity: critical
-- kind: probe
-- uses: observed, holes
select o.relation as object,
       case when not o.seen then 'error'
            when not o.can_insert then 'pass'
            when answer.stored or h.open ? 'insert' then 'fail'
            when o.insert_state = '42501' or h.sqlstate is null then 'pass'
            else 'skipped' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when not o.can_insert then format('%I has no INSERT privilege', o.role)
            when answer.stored then format('%I can store a row for another tenant (it answered %s, not 42501)',
                                           o.role, o.insert_state)
            when h.open ? 'insert' then format('%I could store a row for another tenant', o.role)
            when o.insert_state = '42501' then 'refused by row security'
            when h.sqlstate is null and o.insert_state is null
            then 'its policies refuse it; no row was offered, since triggers or rules would run first'
            when h.sqlstate is null then format('its policies refuse it; a row offered was stopped earlier (%s)',
                                                o.insert_state)
            else format('its policies could not be evaluated: %s (%s)', h.message, h.sqlstate) end as detail,
       coalesce(h.session, o.session) || format(E'insert into %s (%I) values (%L);  -- expected: 42501\nrollback;',
                                                o.relation, o.tenant_column, o.other) as evidence,
       o.mend as fix,
       null::text as severity
  from observed o
  left join holes h on h.role = o.role and h.relation = o.relation and h.kind = 'tenant'
  -- HS000: nothing at all stopped it. 23xxx: constraints are looked at after the policies. A partitioned table answers
  -- 23514 for a row without a key before it gets there.
 cross join lateral (select o.insert_state = 'HS000'
                     or (o.insert_state like '23%' and not (o.kind = 'p' and o.insert_state = '23514')) as stored)
                        as answer
 order by o.relation, o.place
