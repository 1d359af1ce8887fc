-- What the sealed values of each table look like, read as the background role, the only one that sees the rows of every
-- tenant. Of a large table blocks at random, at most 20,000 rows. No key comes here: values that are to be opened are
-- handed out, and opened elsewhere.
--
-- input   {path, job, open: how many values to hand out, tables: [{relation, registered, tenantColumn, idColumn,
-- tuples, columns: [{name}]}]} output  [{relation, rows, malformed, lost, stale, orphans, example, sealed: [{tenant,
-- id, column, value, plain: its hash where it stands in clear}]}]
declare
  path constant text := input ->> 'path';
  target record;
  answer jsonb;
  answers jsonb[] := '{}';
begin
  perform set_config('app.job', input ->> 'job', true);
  for target in
    select t.relation, format(
             $sql$
               with looked as materialized (
                 select r.%1$I as tenant, r.%2$I as id, v.place, v.sealed, v.plain,
                        pg_catalog.octet_length(v.sealed) < 51 or (pg_catalog.octet_length(v.sealed) - 35) %% 16 <> 0
                          or pg_catalog.get_byte(v.sealed, 0) <> 1 as malformed
                   from (select * from %4$s as s %5$s limit 20000) as r
                  cross join lateral (values %6$s) as v (place, sealed, plain)
               ),
               keyed as materialized (
                 select l.*, k.state, k.kid, a.replaces
                   from looked l
                   left join pii.key_status() as k on k.restaurant_id = l.tenant and k.kid = pii.kid_of(l.sealed)
                   left join pii.key_status() as a on a.restaurant_id = l.tenant and a.state = 'active'
                  where l.sealed is not null
               )
               select pg_catalog.jsonb_build_object(
                        'rows', (select pg_catalog.count(distinct (k.tenant, k.id)) from looked k),
                        'malformed', (select pg_catalog.count(*) from keyed k where k.malformed),
                        'lost',
                        (select pg_catalog.count(*) from keyed k
                          where not k.malformed and (k.state is null or k.state = 'destroyed')),
                        'stale',
                        (select pg_catalog.count(*) from keyed k
                          where not k.malformed and k.state = 'retiring' and k.replaces is distinct from k.kid),
                        -- of all tenants, whatever the table
                        'orphans', (select pg_catalog.count(*) from pii.key_status() as o
                                     where o.state = 'retiring'
                                       and not exists (select from pii.key_status() as n
                                                        where n.restaurant_id = o.restaurant_id and n.state = 'active'
                                                          and n.replaces = o.kid)),
                        'example', (select pg_catalog.min(k.id::pg_catalog.text) from keyed k
                                     where k.malformed or k.state is null or k.state = 'destroyed'
                                        or k.state = 'retiring' and k.replaces is distinct from k.kid),
                        'sealed', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                            'tenant', s.tenant, 'id', s.id, 'column', s.place, 'value',
                                            pg_catalog.encode(s.sealed, 'hex'),
                                            'plain',
                                            pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(s.plain, 'UTF8')),
                                                              'hex'))), '[]')
                                     from (select * from keyed k
                                            where not k.malformed and k.state in ('active', 'retiring')
                                            order by pg_catalog.random() limit %7$s) as s))
             $sql$,
             t."tenantColumn", t."idColumn", null, t.relation,
             case when t.tuples > 20000
                  then format('tablesample system (%s)', round((100 * 25000 / t.tuples)::numeric, 4)) else '' end,
             (select string_agg(format('(%L, r.%I, %s)', t.registered || '.' || quote_ident(c.name),
                                       c.name || '_encrypted',
                                       case when c.plain ? c.name then format('r.%I', c.name) else 'null' end), ', ')
                from jsonb_to_recordset(t.columns) as c (name text, plain jsonb)),
             input ->> 'open') as query
      from jsonb_to_recordset(input -> 'tables') as t (relation text, registered text, "tenantColumn" text,
                                                       "idColumn" text, tuples float8, columns jsonb)
  loop
    perform pg_catalog.set_config('search_path', path, true);
    execute target.query into answer;
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    answers := array_append(answers, answer || jsonb_build_object('relation', target.relation));
  end loop;
  output := to_jsonb(answers);
end;
