-- code: H1004
-- name: open-sealed-values
-- title: Every sealed value has the form of one and a key that is there, and with HARNESS_PII_KEY opens
-- severity: high
-- area: pii
-- kind: catalogue
-- sources: docs/pii.md
-- Of each table a sample of at most 20,000 rows, and with the key 1,000 values opened from a place by chance; harness pii status opens
-- all of them. Without the key the form and the key ids are all that there is to look at, and no more is claimed.
,
\ir ../shared/pii-tables.sql
,
\ir ../shared/pii-samples.sql
, pii_key as materialized (
  select coalesce(current_setting('app.pii.key', true), '') <> '' as given
),
pii_again as materialized (
  select set_config('app.job', 'verify', true) as job, set_config('role', 'app_background', true) as role
    from pii_access a cross join pii_key k cross join (select count(*) as n from pii_samples) as done
   where a.able and k.given and done.n >= 0
),
pii_unopened as materialized (
  select substring(query_to_xml('select pii.keys_left_behind() as answer', true, false, '')::text from '<answer>([0-9]+)</answer>')::bigint as keys
    from pii_again
),
pii_openings as materialized (
  select t.oid,
         convert_from(decode(substring(query_to_xml(format(
           $sql$
             with first as materialized (select * from pii.check_batch(%1$L, 500)),
             more as materialized (
               select m.* from (select gen_random_uuid() as tenant, gen_random_uuid() as id from first where not finished) as p
                cross join lateral pii.check_batch(%1$L, 500, p.tenant, p.id) as m
             )
             select encode(convert_to(jsonb_build_object('checked', sum(b.checked), 'damaged', sum(b.damaged), 'differing', sum(b.differing),
                      'example', min(b.problems -> 0 ->> 'id'))::text, 'UTF8'), 'hex') as answer
               from (select * from first union all select * from more) as b
           $sql$, t.relation), true, false, '')::text from '<answer>([0-9a-f]*)</answer>'), 'hex'), 'UTF8')::jsonb as answer
    from pii_unopened u cross join pii_tables t
   where u.keys = 0
),
pii_out as materialized (
  select set_config('role', a.role, true) as role, set_config('app.job', a.job, true) as job
    from pii_access a cross join (select count(*) as n from pii_openings) as done cross join (select count(*) as n from pii_unopened) as asked
   where done.n >= 0 and asked.n >= 0
),
pii_judged as materialized (
  select s.*, u.keys as unopened, (o.answer ->> 'checked')::bigint as checked, coalesce((o.answer ->> 'damaged')::bigint, 0) as damaged,
         coalesce((o.answer ->> 'differing')::bigint, 0) as differing, coalesce(s.example, o.answer ->> 'example') as first_row
    from pii_samples s
   cross join pii_out
    left join pii_unopened u on true
    left join pii_openings o on o.oid = s.oid
)
select j.relation as object,
       case when j.malformed + j.lost + j.damaged + j.differing > 0 then 'fail' when j.unopened > 0 then 'skipped' else 'pass' end as outcome,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then concat_ws('; ', case when j.malformed > 0 then format('%s values have not the form of a sealed one', j.malformed) end,
                                 case when j.lost > 0 then format('%s values are under a key that is destroyed or never was', j.lost) end,
                                 case when j.damaged > 0 then format('%s values do not open', j.damaged) end,
                                 case when j.differing > 0 then format('%s values are not what stands in clear', j.differing) end)
              || format(' (%s rows looked at, the first is %s)', greatest(j.rows, j.checked), j.first_row)
            when j.unopened > 0 then format('HARNESS_PII_KEY does not open %s live data keys: it is another key than the data was sealed under', j.unopened)
            when j.checked is null then format('%s rows have the form and a live key; none was opened, since HARNESS_PII_KEY is not set', j.rows)
            else format('%s rows have the form and a live key, %s of them opened', j.rows, j.checked) end as detail,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then j.session || format(E'select set_config(''app.pii.key'', :''key'', true);\nselect * from pii.check_batch(%L, 100000);\nrollback;', j.relation) end as evidence,
       case when j.malformed + j.lost + j.damaged + j.differing > 0
            then format(E'-- what still stands in clear is sealed again (needs app.pii.key in this session); the rest has to come from a backup,\n'
                        '-- or be given up by assigning NULL to the column\n'
                        'begin;\nset local role app_background;\nselect tenancy.set_job(''pii'');\n'
                        'do $mend$\ndeclare\n  r record;\nbegin\n  for r in select * from %1$s where %2$I = %3$L loop\n%4$s\n  end loop;\nend\n$mend$;\ncommit;',
                        j.relation, j.id_column, j.first_row,
                        (select string_agg(format(E'    if r.%1$I is not null then\n      update %2$s set %1$I = null where %3$I = r.%3$I and %4$I = r.%4$I;\n'
                                                  '      update %2$s set %1$I = r.%1$I where %3$I = r.%3$I and %4$I = r.%4$I;\n    end if;',
                                                  c.name, j.relation, j.tenant_column, j.id_column), E'\n')
                           from pii_tables t cross join jsonb_to_recordset(t.columns) as c (name text) where t.oid = j.oid)) end as fix,
       null::text as severity
  from pii_judged j
 union all
select u.object, u.outcome, u.detail, null, null, null from pii_unseen u
