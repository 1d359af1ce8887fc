-- code: H1003
-- name: retire-old-keys
-- title: Outside of a rotation nothing is sealed under an old key, and no old key is kept
-- severity: medium
-- kind: catalogue
-- uses: pii_samples, pii_unseen
-- sources: docs/pii.md
-- Of each table a sample of at most 20,000 rows; harness pii status counts all of them.
select s.relation as object,
       case when s.stale > 0 then 'fail' else 'pass' end as outcome,
       case when s.stale > 0
            then format('%s values in %s rows looked at are under a key that should be gone, the first in row %s',
                        s.stale, s.rows, s.example)
            else format('none of %s rows looked at', s.rows) end as detail,
       case when s.stale > 0 then s.session
            || format('select * from pii.status(%L);  -- stale: expected: 0\nrollback;', s.relation) end as evidence,
       case when s.stale > 0
            then format(
                E'-- like harness pii backfill; needs app.pii.key in this session\nbegin;\nset local role '
                 'app_background;\nselect tenancy.set_job(''pii'');\n'
                        'select * from pii.seal_batch(%L, 100000);  -- until it says that it has finished\ncommit;',
                        s.relation) end as fix,
       null::text as severity
  from pii_samples s
 union all
(select 'pii.tenant_keys', case when s.orphans > 0 then 'fail' else 'pass' end,
        case when s.orphans > 0 then format('%s old data keys are kept although nothing replaces them any more',
                                            s.orphans) else 'no old key is kept' end,
        case when s.orphans > 0 then s.session
             || E'select * from pii.key_status() where state = ''retiring'';\nrollback;' end,
        case when s.orphans > 0
             then E'-- only when no value is under them any more\nbegin;\nset local role app_pii;\n'
                  'update pii.tenant_keys as k set state = ''destroyed'', destroyed_at = now(), wrapped_under = null, '
                  'wrapped = null, next_wrapped_under = null, next_wrapped = null\n'
                  ' where k.state = ''retiring''\n'
                  '   and not exists (select from pii.tenant_keys as n where n.restaurant_id = k.restaurant_id and '
                  'n.state = ''active'' and n.replaces = k.kid);\ncommit;' end,
        null
   from pii_samples s order by s.relation limit 1)
 union all
select u.object, u.outcome, u.detail, null, null, null from pii_unseen u
