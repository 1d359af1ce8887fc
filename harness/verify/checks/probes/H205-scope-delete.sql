-- code: H205
-- name: scope-delete
-- title: A DELETE without WHERE reaches the tenant's rows only
-- severity: critical
-- kind: probe
-- uses: observed, holes
select o.relation as object,
       case when not o.seen then 'error'
            when not o.can_delete then 'pass'
            when h.open ? 'delete' or o.delete_filtered = false then 'fail'
            when h.sqlstate is not null then 'skipped'
            else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when not o.can_delete then format('%I has no DELETE privilege', o.role)
            when h.open ? 'delete' or o.delete_filtered = false
            then format('a DELETE without WHERE reaches every tenant''s rows as %I', o.role)
            when h.sqlstate is not null
            then format('its policies could not be evaluated: %s (%s)', h.message, h.sqlstate)
            else 'limited to the tenant' end as detail,
       coalesce(h.session, o.session) || format(E'explain delete from %s;  -- expected: a filter on %I\nrollback;',
                                                o.relation, o.tenant_column) as evidence,
       o.mend as fix,
       null::text as severity
  from observed o
  left join holes h on h.role = o.role and h.relation = o.relation and h.kind = 'tenant'
 order by o.relation, o.place
