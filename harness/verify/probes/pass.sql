-- One pass over tenant tables, as every tenant role and in every context, inside the server; and a second one, in another transaction of the
-- connection, which repeats what the first one prepared.
--
-- In:  harness.model         {depth: 'probe' or 'explain', contexts: [{name, kind, member, settings}],
--                             first pass: probed: [roles], tables: [{oid, relation, tenantColumn, type, own, other, member}],
--                             second pass: prepared, as the first one gave it out}
-- Out: harness.observations  {tables: [one per role and table], holes: [one per role, table and context where something is open], prepared}
-- Both are transaction-local settings: a DO block takes no parameter and returns no row, and anything
-- else (a function, a temporary table) would be a write, which a hot standby and a careful DBA refuse.
--
-- Nothing is left behind. Rows are read, never changed. The one INSERT has NULL in every column but the tenant's: it can't
-- be stored where any other column is NOT NULL, evaluates no default (no sequence moves), and its subtransaction is rolled
-- back whatever the answer. UPDATE and DELETE are never run, since they would lock a tenant's rows: the server plans
-- them (EXPLAIN) and evaluates the predicate that it would apply on made-up rows. TRUNCATE is a privilege and nothing else.
do $pass$
declare
  model constant jsonb := current_setting('harness.model')::jsonb;
  again constant boolean := model ? 'prepared';
  probing constant boolean := model ->> 'depth' = 'probe';  -- plans are asked for on protected branches too, rows are not
  filter constant text := '"(Filter|Index Cond|Recheck Cond|One-Time Filter|Hash Cond|Join Filter|TID Cond)":';
  -- even reading a policy waits for whoever holds this lock, and all other tables would wait with it
  barred constant oid[] := array(select l.relation from pg_catalog.pg_locks l
                                  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.granted and l.pid <> pg_backend_pid()
                                    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database()));
  texts jsonb;                  -- what the policies say
  tenant_role text;
  context jsonb;
  target record;
  targets refcursor;
  -- Each role and table has a place, the same in all of these.
  n int := 0;
  before int;                   -- how many there are before those of the present role
  askers text[] := '{}';
  relations text[] := '{}';
  facts jsonb[] := '{}';        -- what is known without asking
  locked boolean[] := '{}';     -- does somebody else hold a lock that keeps us out?
  statements text[] := '{}';    -- the name of the prepared statement that looks for rows; with _judge, of the one that judges made-up rows
  readable boolean[] := '{}';
  judges text[] := '{}';        -- judges made-up rows; null: the role may do nothing here
  -- Tables of a role whose policies say the same of a column of the same type are judged once, at the place of the first.
  leaders int[] := '{}';
  positions jsonb[] := '{}';    -- per command that the role may use, the place of its predicate among the judge's
  puts text[] := '{}';          -- offers a stranger's row
  takes text[] := '{}';
  wipes text[] := '{}';
  alone text[] := '{}';         -- judges each permissive policy by itself
  policies jsonb[] := '{}';     -- their names
  -- Verdicts of the present context, at the places of leaders.
  opens jsonb[];                -- commands open to a row that must not pass
  states text[];
  problems text[];
  opened boolean[];             -- did any context open the tenant's own row? If none did, the contexts prove nothing
  careless jsonb[];
  looking boolean[];            -- which of the two statements are prepared?
  judging boolean[];
  closed boolean;
  member boolean;
  visible boolean;
  open jsonb;
  answers boolean[];            -- [1: row of our own tenant, 2: row of another, 3: row of a tenant of the member whom the context may name][predicate]
  acts jsonb;
  plan json;
  prepared text;
  state text;
  problem text;
  acted jsonb[] := '{}';
  holes jsonb[] := '{}';
begin
  -- Policies that were parsed to the same tree, and look at no column but the tenant's, read the same on every table: print them once.
  if not again then
    with held as materialized (
      select p.oid, p.polqual::text as using_tree, p.polwithcheck::text as check_tree, a.attname,
             -- another column of the table, or the row as a whole?
             exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                        and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.polrelid and d.refobjsubid not in (0, a.attnum))
               or concat(p.polqual::text, p.polwithcheck::text) like '%:varattno 0 %' as wide
        from jsonb_to_recordset(model -> 'tables') as t (oid text, "tenantColumn" text)
        join pg_catalog.pg_policy p on p.polrelid = t.oid::oid and p.polrelid <> all (barred)
        join pg_catalog.pg_attribute a on a.attrelid = p.polrelid and a.attname = t."tenantColumn"
    )
    select coalesce(jsonb_agg(jsonb_build_object('visible_if', coalesce(x.using_text, 'true'), 'writable_if', coalesce(x.check_text, x.using_text, 'true'),
                                                 'wide', h.wide, 'oids', h.oids)), '[]')
      into texts
      from (select min(oid) as oid, wide, jsonb_agg(oid::text) as oids from held group by using_tree, check_tree, attname, wide, case when wide then oid end) as h
      join pg_catalog.pg_policy p on p.oid = h.oid
     cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as using_text, pg_get_expr(p.polwithcheck, p.polrelid) as check_text offset 0) as x;
  end if;

  foreach tenant_role in array case when again then '{null}' else array(select jsonb_array_elements_text(model -> 'probed')) end loop
    if again then
      open targets for
        select * from jsonb_to_recordset(model -> 'prepared')
          as t (role text, relation text, locked boolean, put text, names jsonb, facts jsonb, statement text, readable boolean, judge text, alone text, leader int,
                positions jsonb, take text, wipe text);
    else
      perform set_config('role', tenant_role, true);
      open targets for
      -- What the server will apply, composed as it composes: permissive policies are OR-ed, restrictive ones AND-ed, per
      -- command, of the policies that name this role, a role it inherits from, or PUBLIC. No permissive policy: nothing.
      with wanted as materialized (
        select t.oid::oid as oid, t.relation, t."tenantColumn" as tenant_column, t.own, t.other, t.member,
               k.relname, k.relkind, k.relhastriggers, k.relhasrules, row_security_active(k.oid) as active, a.attnum as tenant_attnum,
               -- the tenant's type, if all that can be said of a value is said by it
               case when a.attcollation = y.typcollation then format_type(a.atttypid, a.atttypmod) end as type,
               k.oid = any (barred) as locked,
               array_remove(array[case when has_any_column_privilege(k.oid, 'SELECT') then 'select' end,
                                  case when has_column_privilege(k.oid, a.attnum, 'INSERT') then 'insert' end,
                                  case when has_any_column_privilege(k.oid, 'UPDATE') then 'update' end,
                                  case when has_column_privilege(k.oid, a.attnum, 'UPDATE') then 'move' end,
                                  case when has_table_privilege(k.oid, 'DELETE') then 'delete' end,
                                  case when has_table_privilege(k.oid, 'TRUNCATE') then 'truncate' end], null) as powers,
               has_any_column_privilege(k.oid, 'INSERT') as fills
          from jsonb_to_recordset(model -> 'tables')
               as t (oid text, relation text, "tenantColumn" text, own text, other text, member text)
          join pg_catalog.pg_class k on k.oid = t.oid::oid
          join pg_catalog.pg_attribute a on a.attrelid = k.oid and a.attname = t."tenantColumn" and not a.attisdropped
          join pg_catalog.pg_type y on y.oid = a.atttypid
      ),
      said as materialized (
        select t.visible_if, t.writable_if, t.wide, jsonb_array_elements_text(t.oids)::oid as oid
          from jsonb_to_recordset(texts) as t (visible_if text, writable_if text, wide boolean, oids jsonb)
      ),
      policies as materialized (
        select p.polrelid, p.polname, p.polcmd, p.polpermissive, x.visible_if, x.writable_if, x.wide
          from said x
          join pg_catalog.pg_policy p on p.oid = x.oid
          join wanted w on w.oid = p.polrelid
         where w.active and exists (select from unnest(p.polroles) as r where r = 0 or pg_has_role(r, 'USAGE'))
      ),
      composed as materialized (
        select w.oid, c.command, coalesce(bool_or(p.wide), false) as wide,
               case when w.active then
                 '(' || coalesce(string_agg('(' || e.expression || ')', ' or ' order by p.polname) filter (where p.polpermissive), 'false') || ')'
                 || coalesce(string_agg(' and (' || e.expression || ')', '' order by p.polname) filter (where not p.polpermissive), '')
               else 'true' end as predicate
          from wanted w
         cross join (values ('select', 'r', false), ('insert', 'a', true), ('update', 'w', false), ('move', 'w', true), ('delete', 'd', false))
               as c (command, polcmd, checked)
          left join policies p on p.polrelid = w.oid and p.polcmd in ('*', c.polcmd)
         cross join lateral (select case when c.checked then p.writable_if else p.visible_if end as expression) as e
         group by w.oid, w.active, c.command
      ),
      -- Most tables have one predicate for all commands: evaluate it once.
      numbered as (
        select oid, command, predicate, wide,
               dense_rank() over (partition by oid order by predicate) as position,
               row_number() over (partition by oid, predicate order by command) = 1 as first
          from composed
      ),
      predicates as materialized (
        select oid, jsonb_object_agg(command, position) as positions, bool_or(wide) as wide,
               string_agg(format('(%s)::boolean', predicate), ', ' order by position) filter (where first) as expressions
          from numbered
         group by oid
      ),
      -- Each permissive policy by itself: one that lets strangers in is held back by nothing but the floor.
      single as materialized (
        select polrelid, jsonb_agg(polname order by polname, checked) as names,
               string_agg(format('(%s)::boolean', case when checked then writable_if else visible_if end), ', ' order by polname, checked) as expressions
          from policies
         cross join (values (true), (false)) as c (checked)
         where polpermissive and (polcmd = '*' or (polcmd <> 'a' and not checked) or (polcmd in ('a', 'w') and checked))
         group by polrelid
      ),
      -- Every column by name, so that none falls back to its default; generated ones can't be named. A BEFORE trigger or a rule would
      -- run first, and what it does (a sequence, a call to elsewhere) no rollback undoes.
      offered as materialized (
        select w.oid, format('insert into %s (%s) overriding system value values (%s)', w.relation,
                             string_agg(quote_ident(a.attname), ', ' order by a.attnum),
                             string_agg(case when a.attname = w.tenant_column then quote_nullable(w.other) else 'null' end, ', ' order by a.attnum)) as put
          from wanted w
          join pg_catalog.pg_attribute a on a.attrelid = w.oid
         where 'insert' = any (w.powers) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
           and has_column_privilege(a.attrelid, a.attnum, 'INSERT')
           and not (w.relhastriggers and (select count(*) > 0 from pg_catalog.pg_trigger g
                                           where g.tgrelid = w.oid and g.tgtype & 6 = 6 and g.tgenabled <> 'D' and not g.tgisinternal))
           and not (w.relhasrules and (select count(*) > 0 from pg_catalog.pg_rewrite u where u.ev_class = w.oid and u.ev_type = '3'))
         group by w.oid, w.relation
      ),
      described as materialized (
        select w.*, p.positions, p.expressions, s.names, s.expressions as single, f.put, o.oid as role_oid, row_number() over (order by w.relation) as place,
               -- Made-up rows of our own tenant, of another, and of one that the context's member belongs to: the tenant column alone if
               -- nothing else is looked at, the whole table's if anything is.
               x.whole, case when x.whole
                 then format('jsonb_populate_recordset(null::%s, %L)', w.relation,
                             jsonb_build_array(jsonb_build_object(w.tenant_column, w.own), jsonb_build_object(w.tenant_column, w.other), jsonb_build_object(w.tenant_column, w.member)))
                 else format('(values (%L::%s), (%L), (%L))', w.own, w.type, w.other, w.member) end as made_up
          from wanted w
          join predicates p on p.oid = w.oid
          -- full, because the planner takes them for small and would loop
          full join single s on s.polrelid = w.oid
          full join offered f on f.oid = w.oid
          join pg_catalog.pg_roles o on o.rolname = tenant_role
         cross join lateral (select p.wide or w.type is null as whole) as x
      )
      select tenant_role as role, d.relation, d.locked, d.put, d.names,
             jsonb_build_object('kind', d.relkind, 'active', d.active)
               || (select jsonb_object_agg(c, c = any (d.powers)) from unnest(array['select', 'insert', 'update', 'move', 'delete', 'truncate']) as c) as facts,
             -- Each role has statements of its own, since its policies are its own.
             format('harness_%s_%s', d.role_oid, d.oid) as statement,
             'select' = any (d.powers) as readable,
             case when d.powers <> '{}' or d.fills then format('select array_agg(array[%s]) from %s', d.expressions, y.source) end as judge,
             case when d.single is not null then format('select array_agg(array[%s]) from %s', d.single, y.source) end as alone,
             first_value(d.place) over (partition by d.made_up, d.expressions, d.single, d.positions, d.powers, d.fills, d.names, d.tenant_column, d.locked
                                        order by d.place) as leader,
             (select jsonb_object_agg(c.key, c.value) from jsonb_each(d.positions) as c where c.key = any (d.powers)) as positions,
             case when 'move' = any (d.powers) then format('update %s set %I = %L', d.relation, d.tenant_column, d.own) end as take,
             case when 'delete' = any (d.powers) then format('delete from %s', d.relation) end as wipe
        from described d
       cross join lateral (select d.made_up || format(case when d.whole then ' as %I' else ' as %I (%I)' end, d.relname, d.tenant_column) as source) as y
       order by d.place;
    end if;

    before := n;
    loop
      fetch targets into target;
      exit when not found;
      n := n + 1;
      askers[n] := target.role;
      relations[n] := target.relation;
      locked[n] := target.locked;
      statements[n] := target.statement;
      readable[n] := target.readable;
      judges[n] := target.judge;
      leaders[n] := before + target.leader;
      positions[n] := target.positions;
      facts[n] := target.facts;
      puts[n] := target.put;
      takes[n] := target.take;
      wipes[n] := target.wipe;
      alone[n] := target.alone;
      policies[n] := target.names;
    end loop;
    close targets;
  end loop;
  opened := array_fill(false, array[n]);
  careless := array_fill('{}'::jsonb, array[n]);
  looking := array(select s in (select name from pg_catalog.pg_prepared_statements) from unnest(statements) as s);
  judging := array(select s || '_judge' in (select name from pg_catalog.pg_prepared_statements) from unnest(statements) as s);

  -- Who sees what in which context. Contexts go round the roles and not the other way about: a setting that was once set is never
  -- unset again. A table on which the role has no privilege needs no asking. A statement is prepared once and run in every context: that
  -- saves planning, and it is what a pool does, so that a plan with a tenant frozen into it shows.
  for context in select jsonb_array_elements(model -> 'contexts') loop
    perform set_config(key, value, true) from jsonb_each_text(context -> 'settings');
    member := coalesce((context ->> 'member')::boolean, false);
    closed := context ->> 'kind' = 'closed';
    opens := array_fill(null::jsonb, array[n]);
    states := array_fill(null::text, array[n]);
    problems := array_fill(null::text, array[n]);
    tenant_role := null;
    for i in 1 .. n loop
      continue when judges[i] is null;
      if askers[i] is distinct from tenant_role then
        tenant_role := askers[i];
        perform set_config('role', tenant_role, true);
      end if;

      if leaders[i] = i and probing and not locked[i] then
        begin
          if not judging[i] then
            begin
              execute format('prepare %I as %s', statements[i] || '_judge', judges[i]);
            exception when insufficient_privilege then
              -- A policy may call what the role could not name: its schema has been looked up long ago. The session's own role names it; what is
              -- then executed is executed as the tenant role. (If it reads a table with row security, the server looks names up again, and refuses.)
              perform set_config('role', 'none', true);
              execute format('prepare %I as %s', statements[i] || '_judge', judges[i]);
              perform set_config('role', tenant_role, true);
            end;
            judging[i] := true;
          end if;
          execute format('execute %I', statements[i] || '_judge') into answers;
          opened[i] := opened[i] or not closed and coalesce(true = any (case when member then answers[3:3] else answers[1:1] end), false);
          -- Only what is open or went wrong is written down: 10,000 healthy tables have nothing to say.
          if true = any (case when closed then answers else answers[2:2] end) then
            opens[i] := (select jsonb_agg(p.key order by p.key) from jsonb_each_text(positions[i]) as p
                          where answers[2][p.value::int] or closed and answers[1][p.value::int]);
          end if;
        exception when others then
          states[i] := sqlstate; problems[i] := sqlerrm;
        end;
      end if;

      visible := false;
      open := opens[leaders[i]];
      state := states[leaders[i]];
      problem := problems[leaders[i]];
      begin
        if locked[i] then
          raise lock_not_available using message = 'another session holds a lock on it';
        elsif not probing then
          execute format('explain (format json, costs off) select from %s', relations[i]) into plan;
          if plan::text ~ filter then
            raise sqlstate 'HS001' using message = 'this branch is protected, so that only its plan was asked for; it has a filter';
          end if;
          open := '["select"]';
        elsif readable[i] then
          if not looking[i] then
            execute format('prepare %I as select exists (select from %s)', statements[i], relations[i]);
            looking[i] := true;
          end if;
          execute format('execute %I', statements[i]) into visible;
          visible := visible and not member;  -- a member has rows to see
        end if;
      exception when others then
        state := sqlstate; problem := sqlerrm;
        locked[i] := state = '55P03';  -- waiting for a lock once is enough
      end;
      if state is not null or visible or open is not null then
        holes := array_append(holes, jsonb_build_object('role', tenant_role, 'relation', relations[i], 'context', context ->> 'name',
          'visible', visible, 'open', coalesce(open, '[]'), 'sqlstate', state, 'message', problem, 'undecided', coalesce(state = 'HS001', false)));
      end if;
    end loop;
  end loop;

  -- The last context is a tenant's. In it: judge each policy by itself, try to store a stranger's row, and ask for the plans that read no column.
  tenant_role := null;
  for i in 1 .. case when again then 0 else n end loop
    if askers[i] is distinct from tenant_role then
      tenant_role := askers[i];
      perform set_config('role', tenant_role, true);
    end if;
    if probing and leaders[i] = i and not locked[i] and alone[i] is not null then
      begin
        if not exists (select from pg_catalog.pg_prepared_statements where name = statements[i] || '_alone') then
          begin
            execute format('prepare %I as %s', statements[i] || '_alone', alone[i]);
          exception when insufficient_privilege then
            perform set_config('role', 'none', true);
            execute format('prepare %I as %s', statements[i] || '_alone', alone[i]);
            perform set_config('role', tenant_role, true);
          end;
        end if;
        execute format('execute %I', statements[i] || '_alone') into answers;
        careless[i] := jsonb_build_object('careless',
          (select jsonb_agg(distinct policy) from jsonb_array_elements_text(policies[i]) with ordinality as p (policy, place) where answers[2][place]));
      exception when others then
        careless[i] := jsonb_build_object('sqlstate', sqlstate, 'message', sqlerrm);
      end;
    end if;
    acts := jsonb_build_object('opened', opened[leaders[i]]) || facts[i];
    if locked[i] then
      acts := acts || jsonb_build_object('sqlstate', '55P03', 'message', 'another session holds a lock on it');
    elsif not probing then
      acts := acts || jsonb_build_object('sqlstate', 'HS001', 'message', 'this branch is protected');
    else
      acts := acts || careless[leaders[i]];
      if puts[i] is not null then
        begin
          execute puts[i];
          raise exception using errcode = 'HS000', message = 'stored';  -- rolls the row back
        exception when others then
          acts := acts || jsonb_build_object('insertState', sqlstate);
        end;
      end if;
    end if;
    if not locked[i] then
      begin
        if takes[i] is not null then
          execute 'explain (format json, costs off) ' || takes[i] into plan;
          acts := acts || jsonb_build_object('updateFiltered', plan::text ~ filter);
        end if;
        if wipes[i] is not null then
          execute 'explain (format json, costs off) ' || wipes[i] into plan;
          acts := acts || jsonb_build_object('deleteFiltered', plan::text ~ filter);
        end if;
      exception when others then
        null;  -- a hot standby plans no UPDATE; the policies' evaluation decides alone then
      end;
    end if;
    acted[i] := acts;
  end loop;

  -- Prepared statements outlive their transaction.
  if again then
    for prepared in select name from pg_catalog.pg_prepared_statements where name like 'harness\_%' loop
      execute format('deallocate %I', prepared);
    end loop;
  end if;
  perform set_config('harness.observations', jsonb_build_object(
    'holes', to_jsonb(holes),
    -- tables that answered alike, together
    'tables', (select coalesce(jsonb_agg(t.answer || jsonb_build_object('role', t.role, 'relations', t.relations)), '[]')
                 from (select a.role, a.answer, jsonb_agg(a.relation) as relations
                         from unnest(askers, relations, acted) as a (role, relation, answer)
                        where not again group by a.role, a.answer) as t),
    'prepared', (select coalesce(jsonb_agg(jsonb_build_object('role', p.role, 'relation', p.relation, 'locked', p.locked, 'statement', p.statement, 'readable', p.readable,
                                           'judge', p.judge, 'leader', p.leader, 'positions', p.positions) order by p.place), '[]')
                   from unnest(askers, relations, locked, statements, readable, judges, leaders, positions) with ordinality
                        as p (role, relation, locked, statement, readable, judge, leader, positions, place)
                  where not again))::text, true);
end
$pass$;
