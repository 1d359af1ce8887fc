-- code: H206
-- name: refuse-truncate
-- title: No tenant role may TRUNCATE, which row security does not restrict
-- severity: critical
-- area: privileges
-- kind: probe
select o.relation as object,
       case when not o.seen then 'error' when o.can_truncate then 'fail' else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when o.can_truncate then format('%I has the TRUNCATE privilege: it can empty the table of every tenant', o.role)
            else format('%I has no TRUNCATE privilege', o.role) end as detail,
       format('select has_table_privilege(%L, %L, ''TRUNCATE'');  -- expected: f', o.role, o.relation) as evidence,
       format('revoke truncate on %s from %I, public;', o.relation, o.role) as fix,
       null::text as severity
  from observed o
 order by o.relation, o.place
