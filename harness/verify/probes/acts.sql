-- What a tenant's own context says of each policy by itself, and what the planner would add to an UPDATE and a DELETE
-- without WHERE: asked as the tenant role, read-only, in the context that verify/probes/look.sql ended with. UPDATE and
-- DELETE are planned and never run, since they would lock a tenant's rows.
--
-- input   {path, depth, settings, tables: [{place, leader, locked, names, alone, take, wipe}]}
-- output  [{place, careless, sqlstate, message, updateFiltered, deleteFiltered}]
declare
  probing constant boolean := input ->> 'depth' = 'probe';
  path constant text := input ->> 'path';
  filter constant text := '"(Filter|Index Cond|Recheck Cond|One-Time Filter|Hash Cond|Join Filter|TID Cond)":';
  target record;
  answers boolean[];
  plan json;
  found jsonb[] := '{}';
begin
  perform set_config(key, value, true) from jsonb_each_text(input -> 'settings');
  for target in
    select t.place, t.leader = t.place and probing and t.alone is not null as judging, t.alone, t.names,
           'explain (format json, costs off) ' || t.take as take, 'explain (format json, costs off) ' || t.wipe as wipe
      from jsonb_to_recordset(input -> 'tables')
             as t (place int, leader int, locked boolean, names jsonb, alone text, take text, wipe text)
     where not t.locked
  loop
    if target.judging then
      begin
        perform pg_catalog.set_config('search_path', path, true);
        execute target.alone into answers;
        perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        found := pg_catalog.array_append(found,
                                         pg_catalog.jsonb_build_object('place', target.place, 'answers', answers[2:2],
                                                                       'names', target.names));
      exception when others then  -- and with the subtransaction goes the path
        found := pg_catalog.array_append(found,
                                         pg_catalog.jsonb_build_object('place', target.place, 'sqlstate', sqlstate,
                                                                       'message', pg_catalog."left"(sqlerrm, 1000)));
      end;
    end if;
    begin
      perform pg_catalog.set_config('search_path', path, true);
      if target.take is not null then
        execute target.take into plan;
        found := pg_catalog.array_append(found, pg_catalog.jsonb_build_object('place', target.place, 'take', plan));
      end if;
      if target.wipe is not null then
        execute target.wipe into plan;
        found := pg_catalog.array_append(found, pg_catalog.jsonb_build_object('place', target.place, 'wipe', plan));
      end if;
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    exception when others then
      null;  -- a hot standby plans no UPDATE; the policies' evaluation decides alone then
    end;
  end loop;
  with entries as materialized (
    select (f ->> 'place')::int as place, f from unnest(found) as f
  ),
  careless as (
    select e.place, jsonb_agg(distinct p.policy) as policies
      from entries e
     cross join jsonb_array_elements_text(e.f -> 'names') with ordinality as p (policy, place)
     where (e.f -> 'answers' -> 0 -> (p.place - 1)::int)::text = 'true'
     group by e.place
  ),
  planned as (
    select place, min(f ->> 'sqlstate') as sqlstate, min(f ->> 'message') as message,
           bool_or((f -> 'take')::text ~ filter) as take, bool_or((f -> 'wipe')::text ~ filter) as wipe
      from entries group by place
  )
  select coalesce(
      jsonb_agg(jsonb_strip_nulls(jsonb_build_object('place', p.place, 'sqlstate', p.sqlstate, 'message', p.message,
           'careless', c.policies, 'updateFiltered', p.take, 'deleteFiltered', p.wipe))), '[]') into output
    from planned p left join careless c on c.place = p.place;
end;
