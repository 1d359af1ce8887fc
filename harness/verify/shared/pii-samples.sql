-- What the sealed values of each table look like from outside: no more than 20,000 rows are read, of a large table blocks at
-- random. Only the background role sees the rows of every tenant and the ids of the keys: this becomes it for the sample, and
-- itself again before anything else is asked. A protected branch's rows are left alone.
pii_access as materialized (
  select current_setting('role') as role, coalesce(current_setting('app.job', true), '') as job,
         coalesce(pg_has_role(session_user, k.oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end), false) as able
    from model
   cross join (select to_regrole('app_background') as oid) as k
   where model ->> 'depth' = 'probe' and exists (select from pii_tables)
),
pii_entered as materialized (
  select set_config('app.job', 'verify', true) as job, set_config('role', 'app_background', true) as role from pii_access where able
),
pii_answers as materialized (
  select t.oid, t.relation, t.tenant_column, t.id_column,
         convert_from(decode(substring(query_to_xml(format(
           $sql$
             select encode(convert_to(jsonb_build_object(
                      'rows', count(distinct (c.tenant, c.id)),
                      'malformed', count(*) filter (where v.malformed),
                      'lost', count(*) filter (where not v.malformed and (k.state is null or k.state = 'destroyed')),
                      'stale', count(*) filter (where not v.malformed and k.state = 'retiring' and a.replaces is distinct from k.kid),
                      -- of all tenants, whatever the table
                      'orphans', (select count(*) from pii.key_status() as o
                                   where o.state = 'retiring'
                                     and not exists (select from pii.key_status() as n where n.restaurant_id = o.restaurant_id and n.state = 'active' and n.replaces = o.kid)),
                      'example', min(c.id::text) filter (where v.malformed or k.state is null or k.state = 'destroyed' or (k.state = 'retiring' and a.replaces is distinct from k.kid)))::text, 'UTF8'), 'hex') as answer
               from (select r.%1$I as tenant, r.%2$I as id, %3$s from %4$s as r %5$s limit 20000) as c
              cross join lateral (select s.sealed, octet_length(s.sealed) < 51 or (octet_length(s.sealed) - 35) %% 16 <> 0 or get_byte(s.sealed, 0) <> 1 as malformed
                                    from (values %6$s) as s (sealed) where s.sealed is not null) as v
               left join pii.key_status() as k on k.restaurant_id = c.tenant and k.kid = pii.kid_of(v.sealed)
               left join pii.key_status() as a on a.restaurant_id = c.tenant and a.state = 'active'
           $sql$,
           t.tenant_column, t.id_column, s.columns, t.relation,
           case when t.reltuples > 20000 then format('tablesample system (%s)', round((100 * 25000 / t.reltuples)::numeric, 4)) else '' end, s.list),
           true, false, '')::text from '<answer>([0-9a-f]*)</answer>'), 'hex'), 'UTF8')::jsonb as answer
    from pii_entered e
   cross join pii_tables t
   cross join lateral (select string_agg(format('r.%I', c.name || '_encrypted'), ', ') as columns, string_agg(format('(c.%I)', c.name || '_encrypted'), ', ') as list
                         from jsonb_to_recordset(t.columns) as c (name text)) as s
),
pii_left as materialized (
  select set_config('role', a.role, true) as role, set_config('app.job', a.job, true) as job
    from pii_access a cross join (select count(*) as n from pii_answers) as done
   where a.able and done.n >= 0
),
pii_samples as materialized (
  select t.oid, t.relation, t.tenant_column, t.id_column, (a.answer ->> 'rows')::bigint as rows, (a.answer ->> 'malformed')::bigint as malformed,
         (a.answer ->> 'lost')::bigint as lost, (a.answer ->> 'stale')::bigint as stale, (a.answer ->> 'orphans')::bigint as orphans, a.answer ->> 'example' as example,
         -- as whom to see it with one's own eyes
         E'begin;\nset local role app_background;\nselect tenancy.set_job(''look'');\n' as session
    from pii_tables t join pii_answers a on a.oid = t.oid cross join pii_left
),
-- Why there is no sample, if there is none.
pii_unseen as materialized (
  select t.relation as object, 'skipped' as outcome,
         case when model ->> 'depth' <> 'probe' then 'the rows of a protected branch are left alone, until it is named with --confirm'
              else 'this login cannot become app_background, the role that sees the rows of every tenant: run harness setup' end as detail
    from pii_tables t cross join model
   where not exists (select from pii_entered)
)
