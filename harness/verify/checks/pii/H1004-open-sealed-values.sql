-- code: H1004
-- name: open-sealed-values
-- title: Every sealed value has the form of one and a key that is there, and with HARNESS_PII_KEY opens
-- severity: high
-- kind: catalogue
-- uses: pii_samples, pii_tables, pii_unseen
-- sources: docs/pii.md
-- Of each table a sample of at most 20,000 rows, and with the key up to 1,000 of its values opened: here, not in the
-- database, which is not sent the key. harness pii status opens all of them. Without the key the form and the key ids
-- are all that there is to look at.
with pii_judged as materialized (
  select s.*, s.example as first_row from pii_samples s
)
select j.relation as object,
       case when j.malformed + j.lost + j.damaged + j.differing > 0 then 'fail' when j.unopened > 0 then 'skipped'
            else 'pass' end as outcome,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then concat_ws('; ',
                           case when j.malformed > 0
                                then format('%s values have not the form of a sealed one', j.malformed) end,
                                 case when j.lost > 0
                                      then format('%s values are under a key that is destroyed or never was',
                                                  j.lost) end,
                                 case when j.damaged > 0 then format('%s values do not open', j.damaged) end,
                                 case when j.differing > 0
                                      then format('%s values are not what stands in clear', j.differing) end)
              || format(' (%s rows looked at, the first is %s)', j.rows, j.first_row)
            when j.unopened > 0
            then format(
                'HARNESS_PII_KEY does not open %s live data keys: it is another key than the data was sealed under',
                j.unopened)
            when j.checked is null
            then format('%s rows have the form and a live key; none was opened, since HARNESS_PII_KEY is not set',
                        j.rows)
            else format('%s rows have the form and a live key, %s of their values opened', j.rows, j.checked) end
                 as detail,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then j.session
                 || format(
                     E'select set_config(''app.pii.key'', :''key'', true);\nselect * from pii.check_batch(%L, '
                      '100000);\nrollback;', j.relation) end as evidence,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then format(
                E'-- what still stands in clear is sealed again (needs app.pii.key in this session); the rest has to '
                 'come from a backup,\n'
                        '-- or be given up by assigning NULL to the column\n'
                        'begin;\nset local role app_background;\nselect tenancy.set_job(''pii'');\n'
                        'do $mend$\ndeclare\n  r record;\nbegin\n  for r in select * from %1$s where %2$I = %3$L '
                        'loop\n%4$s\n  end loop;\nend\n$mend$;\ncommit;',
                        j.relation, j.id_column, j.first_row,
                        (select string_agg(
                            format(
                                E'    if r.%1$I is not null then\n      update %2$s set %1$I = null where %3$I = '
                                 'r.%3$I and %4$I = r.%4$I;\n'
                                                  '      update %2$s set %1$I = r.%1$I where %3$I = r.%3$I and %4$I = '
                                                  'r.%4$I;\n    end if;',
                                                  c.name, j.relation, j.tenant_column, j.id_column), E'\n')
                           from pii_tables t cross join jsonb_to_recordset(t.columns) as c (name text)
                          where t.oid = j.oid)) end as fix,
       null::text as severity
  from pii_judged j
 union all
select u.object, u.outcome, u.detail, null, null, null from pii_unseen u
