-- title: how a definition may name the tenant: settings, the functions that policies call or that read the context, the
--   user
-- uses: contexts, model
-- As regular expressions: "calls" for functions that answer whether a row is the tenant's, "context" for what a column
-- is compared with.
with settings as materialized (
  select distinct s.name[1] as name from contexts c
   cross join lateral regexp_matches(c.statements, $re$set_config\('((?:[^']|'')+)'$re$, 'g') as s (name)
)
select jsonb_build_object(
         'calls', $re$(?:[\w$]+\.|"(?:[^"]|"")+"\.)?"?\m(?:$re$ || f.tests || $re$)"?\s*\($re$,
         'context', $re$(?:(?:[\w$]+\.|"(?:[^"]|"")+"\.)?"?\m(?:harness_context|$re$ || f.names
           || $re$)"?\s*\(|\m(?:current_user|session_user)\M)$re$)
  from (select 'auth\.(?:uid|user_id|jwt|session)' || coalesce('|' || string_agg(distinct f.pattern, '|'), '') as names,
               coalesce(string_agg(distinct f.pattern, '|') filter (where f.is_test), 'harness_nothing') as tests
          from (select regexp_replace(p.proname, '([^\w])', '\\\1', 'g') as pattern,
                p.prorettype = 'bool'::regtype as is_test
                  from pg_catalog.pg_depend d
                  join pg_catalog.pg_proc p on p.oid = d.refobjid
                 where d.classid = 'pg_catalog.pg_policy'::regclass and d.refclassid = 'pg_catalog.pg_proc'::regclass
                union
                select regexp_replace(p.proname, '([^\w])', '\\\1', 'g'), p.prorettype = 'bool'::regtype
                  from pg_catalog.pg_proc p
                 where p.oid >= 16384 and p.prokind = 'f' and p.prorettype not in ('void'::regtype, 'trigger'::regtype)
                   and (select x.body ~* '\mauth\.(?:uid|user_id|jwt|session)\s*\('
                        or exists (select from settings s where position(s.name in x.body) > 0)
                          from (select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body offset 0) as x)
                union
                select m[1], false from model, regexp_matches(model ->> 'expression', '(\w+)\s*\(', 'g') as m
                 where m[1] not in ('nullif', 'current_setting', 'coalesce')) as f) as f
