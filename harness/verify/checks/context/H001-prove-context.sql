-- code: H001
-- name: prove-context
-- title: The context described in the configuration opens a tenant's own rows
-- severity: high
-- kind: probe
-- uses: observed
select 'context' as object,
       case when count(*) filter (where o.opened) > 0 then 'pass' else 'skipped' end as outcome,
       case when count(*) filter (where o.opened) > 0
            then format('it opens %s of %s tables for the tenant''s own rows', count(*) filter (where o.opened),
                        count(*))
            else 'the context, as configured or inferred, opens no table, so that nothing here proves isolation: is '
                 'the claim or the setting the right one?' end as detail,
       null::text as evidence, null::text as fix, null::text as severity
  from observed o
 where o.active and o.can_select
having count(*) > 0
