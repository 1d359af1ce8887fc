-- code: H201
-- name: hide-foreign-rows
-- title: A tenant reads no row of another
-- severity: critical
-- kind: probe
-- uses: observed, holes
select o.relation as object,
       case when not o.seen then 'error'
            when not o.can_select then 'pass'
            when h.visible or h.open ? 'select' then 'fail'
            when h.sqlstate is not null then 'skipped'
            else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when not o.can_select then format('%I has no SELECT privilege', o.role)
            when h.visible
                 or h.open ? 'select' then case when h.visible then format('%I reads rows of other tenants', o.role)
                                                else format('%I would read a row of another tenant', o.role) end
            when h.sqlstate is not null
            then format('its policies could not be evaluated: %s (%s)', h.message, h.sqlstate)
            else 'limited to the tenant' end as detail,
       coalesce(h.session, o.session)
         || format(E'select count(*) from %s where %I is distinct from %L;  -- expected: 0\nrollback;', o.relation,
                   o.tenant_column, o.own) as evidence,
       o.mend as fix,
       null::text as severity
  from observed o
  left join holes h on h.role = o.role and h.relation = o.relation and h.kind = 'tenant'
 order by o.relation, o.place
