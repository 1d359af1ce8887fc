-- Who sees what in which context, asked as the tenant role (sql/act-as). Nothing is changed: the transaction is
-- read-only from here on.
--
-- input   {path, depth: 'probe' or 'explain', contexts: [{name, kind, member, settings}],
--          tables: [{place, relation, locked, readable, statement, judge, leader, positions}], as compose.sql gives
--          them; without `judge` the
--          statements are there already, prepared in an earlier transaction of the connection}
-- output  {opened: [places whose own row some context opened],
--          holes: [{place, context, visible, open, sqlstate, message, undecided}]}: one per table and context where
--          something is open or went wrong
--
-- Between the two calls of set_config('search_path', …) names are looked up where applications look them up, which is
-- where code of the database may be meant. So there every function and type of ours is qualified, and operators stand
-- between values of one type of the server's.
declare
  -- a plan is asked for on protected branches too, rows are not
  probing constant boolean := input ->> 'depth' = 'probe';
  path constant text := input ->> 'path';
  filter constant text := '"(Filter|Index Cond|Recheck Cond|One-Time Filter|Hash Cond|Join Filter|TID Cond)":';
  contexts constant jsonb[] := array(select jsonb_array_elements(input -> 'contexts'));
  prepared constant text[] := array(select name from pg_catalog.pg_prepared_statements);
  -- Each table has a place, the same in all of these; in `leaders`, the place of the table whose policies say the same.
  n int;
  places int[];
  leaders int[];
  locked boolean[];
  readable boolean[];
  judged boolean[];
  judge_prepares text[];
  judge_runs text[];
  judge_ready boolean[];
  look_prepares text[];
  look_runs text[];
  look_ready boolean[];
  explains text[];
  context jsonb;
  context_name text;
  member boolean;
  closed boolean;
  -- [1: row of our own tenant, 2: row of another, 3: row of a tenant of the member whom the context may
  -- name][predicate]
  answers boolean[];
  visible boolean;
  plan json;
  own int;
  opened int[] := '{}';
  verdicts jsonb[] := '{}';
  sights jsonb[] := '{}';
begin
  select count(*), array_agg(t.place order by t.place), array_agg(t.leader order by t.place),
         array_agg(t.locked order by t.place),
         array_agg(t.readable order by t.place), array_agg(t.judged order by t.place),
         array_agg(format('prepare %I as %s', t.statement || '_judge', t.judge) order by t.place),
         array_agg(format('execute %I', t.statement || '_judge') order by t.place),
         array_agg(t.statement || '_judge' = any (prepared) order by t.place),
         array_agg(format('prepare %I as select exists (select from %s)', t.statement, t.relation) order by t.place),
         array_agg(format('execute %I', t.statement) order by t.place),
         array_agg(t.statement = any (prepared) order by t.place),
         array_agg(format('explain (format json, costs off) select from %s', t.relation) order by t.place)
    into n, places, leaders, locked, readable, judged, judge_prepares, judge_runs, judge_ready, look_prepares,
    look_runs, look_ready, explains
    from jsonb_to_recordset(input -> 'tables')
           as t (place int, leader int, relation text, locked boolean, readable boolean, judged boolean, statement text,
                 judge text);

  foreach context in array contexts loop
    perform set_config(key, value, true) from jsonb_each_text(context -> 'settings');
    context_name := context ->> 'name';
    member := coalesce((context ->> 'member')::boolean, false);
    closed := context ->> 'kind' = 'closed';
    own := case when member then 3 else 1 end;
    perform pg_catalog.set_config('search_path', path, true);
    for i in 1 .. n loop
      -- A table on which the role has no privilege needs no asking.
      continue when not judged[i];
      -- A statement is prepared once and run in every context: that saves planning, and it is what a pool does, so that
      -- a plan with a tenant frozen into it shows. Tables whose policies say the same of a column of the same type are
      -- judged once, at the place of the first.
      if leaders[i] = places[i] and probing and not locked[i] then
        begin
          if not judge_ready[i] then
            execute judge_prepares[i];
            judge_ready[i] := true;
          end if;
          execute judge_runs[i] into answers;
          if not closed and true = any (answers[own:own]) then
            opened := pg_catalog.array_append(opened, places[i]);
          end if;
          -- Only what is open or went wrong is written down: 10,000 healthy tables have nothing to say.
          if true = any (case when closed then answers else answers[2:2] end) then
            verdicts := pg_catalog.array_append(verdicts,
              pg_catalog.jsonb_build_object('context', context_name, 'place', places[i], 'closed', closed, 'answers',
                                            answers));
          end if;
        exception when others then
          verdicts := pg_catalog.array_append(verdicts,
                                              pg_catalog.jsonb_build_object('context', context_name, 'place', places[i],
            'sqlstate', sqlstate, 'message', pg_catalog."left"(sqlerrm, 1000)));
        end;
      end if;
      begin
        if locked[i] then
          raise lock_not_available using message = 'another session holds a lock on it';
        elsif not probing then
          execute explains[i] into plan;
          sights := pg_catalog.array_append(sights,
                                            pg_catalog.jsonb_build_object('context', context_name, 'place', places[i],
                                                                          'plan', plan));
        elsif readable[i] then
          if not look_ready[i] then
            execute look_prepares[i];
            look_ready[i] := true;
          end if;
          execute look_runs[i] into visible;
          if visible and not member then  -- a member has rows to see
            sights := pg_catalog.array_append(sights,
                                              pg_catalog.jsonb_build_object('context', context_name, 'place',
                                                                            places[i], 'visible', true));
          end if;
        end if;
      exception when others then
        sights := pg_catalog.array_append(sights,
                                          pg_catalog.jsonb_build_object('context', context_name, 'place', places[i],
          'sqlstate', sqlstate, 'message', pg_catalog."left"(sqlerrm, 1000)));
        locked[i] := sqlstate = '55P03';  -- waiting for a lock once is enough
      end;
    end loop;
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  end loop;

  output := jsonb_build_object('opened', to_jsonb(opened), 'holes', (
    with asked as materialized (
      select t.place, t.leader, t.positions
        from jsonb_to_recordset(input -> 'tables') as t (place int, leader int, positions jsonb)
    ),
    judged as materialized (
      select v ->> 'context' as context, (v ->> 'place')::int as place, (v ->> 'closed')::boolean as closed,
             v -> 'answers' as answers,
             v ->> 'sqlstate' as sqlstate, v ->> 'message' as message
        from unnest(verdicts) as v
    ),
    seen as materialized (
      select s ->> 'context' as context, (s ->> 'place')::int as place, (s ->> 'visible')::boolean as visible,
             (s -> 'plan')::text as plan,
             s ->> 'sqlstate' as sqlstate, s ->> 'message' as message
        from unnest(sights) as s
    ),
    found as (
      select a.place, j.context from judged j join asked a on a.leader = j.place
      union
      select s.place, s.context from seen s
    )
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
             'place', f.place, 'context', f.context, 'visible', coalesce(s.visible, false),
             'open', case when s.plan is not null and s.plan !~ filter then '["select"]'
                          else coalesce((select jsonb_agg(p.key order by p.key) from jsonb_each_text(a.positions) as p
                                          where (j.answers -> 1 -> (p.value::int - 1))::text = 'true'
                                             or j.closed and (j.answers -> 0 -> (p.value::int - 1))::text = 'true'),
                                                '[]') end,
             'sqlstate', case when s.plan ~ filter then 'HS001' else coalesce(s.sqlstate, j.sqlstate) end,
             'message',
             case when s.plan ~ filter
                  then 'this branch is protected, so that only its plan was asked for; it has a filter'
                             else coalesce(s.message, j.message) end,
             'undecided', coalesce(s.plan ~ filter, false)))), '[]')
      from found f
      join asked a on a.place = f.place
      left join judged j on j.place = a.leader and j.context = f.context
      left join seen s on s.place = f.place and s.context = f.context));
end;
