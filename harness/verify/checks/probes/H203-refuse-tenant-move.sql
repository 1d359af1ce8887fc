-- code: H203
-- name: refuse-tenant-move
-- title: A tenant moves no row to another
-- severity: critical
-- kind: probe
-- uses: observed, holes
select o.relation as object,
       case when not o.seen then 'error'
            when not o.can_move then 'pass'
            when h.open ? 'move' then 'fail'
            when h.sqlstate is not null then 'skipped'
            else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when not o.can_move then format('%I has no UPDATE privilege', o.role)
            when h.open ? 'move' then format('%I can update its rows so that they belong to another tenant', o.role)
            when h.sqlstate is not null
            then format('its policies could not be evaluated: %s (%s)', h.message, h.sqlstate)
            else 'limited to the tenant' end as detail,
       coalesce(h.session, o.session) || format(E'update %s set %I = %L;  -- expected: 42501\nrollback;', o.relation,
                                                o.tenant_column, o.other) as evidence,
       o.mend as fix,
       null::text as severity
  from observed o
  left join holes h on h.role = o.role and h.relation = o.relation and h.kind = 'tenant'
 order by o.relation, o.place
