-- One pass over every tenant table, as every tenant role and in every context, inside the server.
--
-- In:  harness.model         {probed: [roles], tables: [{oid, relation, tenantColumn, type, own, other}], contexts: [{name, kind, settings}],
--                             depth: 'probe' or 'explain', acts: also insert and explain?, last: is this the last pass?}
-- Out: harness.observations  {tables: [one per role and table], holes: [one per role, table and context where something is open]}
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
  roles constant text[] := array(select jsonb_array_elements_text(model -> 'probed'));
  tenant_role text;
  context jsonb;
  targets jsonb;       -- the tables as the present role finds them
  target jsonb;
  everything jsonb[] := '{}';  -- all targets, role by role
  i int;
  prepared text;
  visible boolean;
  answers boolean[];   -- [1: row of our own tenant, 2: row of another, 3: row of a tenant of the member whom the context may name][predicate]
  open text[];
  locked boolean[];    -- per target: does somebody else hold a lock that keeps us out?
  ready boolean[];     -- per target: is its statement prepared?
  opened boolean[];    -- per target: did any context open the tenant's own row? If none did, the contexts prove nothing
  acts jsonb;
  plan json;
  filter constant text := '"(Filter|Index Cond|Recheck Cond|One-Time Filter|Hash Cond|Join Filter|TID Cond)":';
  state text;
  problem text;
  -- plans are asked for on protected branches too, rows are not
  probing constant boolean := (model ->> 'acts')::boolean and model ->> 'depth' = 'probe';
  tables jsonb[] := '{}';
  holes jsonb[] := '{}';
begin
  foreach tenant_role in array roles loop
    perform set_config('role', tenant_role, true);

    -- What the server will apply, composed as it composes: permissive policies are OR-ed, restrictive ones AND-ed, per
    -- command, of the policies that name this role, a role it inherits from, or PUBLIC. No permissive policy: nothing.
    with wanted as materialized (
      select t.oid::oid as oid, t.relation, t."tenantColumn" as tenant_column, t.type, t.own, t.other, t.member,
             k.relname, k.relkind, row_security_active(k.oid) as active,
             -- even reading a policy waits for whoever holds this lock, and all other tables would wait with it
             k.oid in (select l.relation from pg_catalog.pg_locks l
                        where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.granted and l.pid <> pg_backend_pid()
                          and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())) as locked
        from jsonb_to_recordset(model -> 'tables')
             as t (oid text, relation text, "tenantColumn" text, type text, own text, other text, member text)
        join pg_catalog.pg_class k on k.oid = t.oid::oid
    ),
    policies as materialized (
      select p.polrelid, p.polname, p.polcmd, p.polpermissive,
             coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') as visible_if,
             coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), 'true') as writable_if
        from wanted w
        join pg_catalog.pg_policy p on p.polrelid = w.oid
       where w.active and not w.locked
         and exists (select from unnest(p.polroles) as r where r = 0 or pg_has_role(r, 'USAGE'))
    ),
    composed as (
      select w.oid, c.command,
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
      select oid, command, predicate,
             dense_rank() over (partition by oid order by predicate) as position,
             row_number() over (partition by oid, predicate order by command) = 1 as first
        from composed
    ),
    predicates as (
      select oid, jsonb_object_agg(command, position) as positions,
             string_agg(format('(%s)::boolean', predicate), ', ' order by position) filter (where first) as expressions
        from numbered
       group by oid
    ),
    -- Each permissive policy by itself: one that lets strangers in is held back by nothing but the floor.
    alone as (
      select polrelid, jsonb_agg(polname order by polname, checked) as names,
             string_agg(format('(%s)::boolean', case when checked then writable_if else visible_if end), ', ' order by polname, checked) as expressions
        from policies
       cross join (values (true), (false)) as c (checked)
       where polpermissive and (polcmd = '*' or (polcmd <> 'a' and not checked) or (polcmd in ('a', 'w') and checked))
       group by polrelid
    ),
    -- Every column by name, so that none falls back to its default; generated ones can't be named.
    columns as (
      select a.attrelid, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as names,
             string_agg(case when a.attname = w.tenant_column then quote_nullable(w.other) else 'null' end, ', ' order by a.attnum) as contents
        from wanted w
        join pg_catalog.pg_attribute a on a.attrelid = w.oid
       where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         and has_column_privilege(a.attrelid, a.attnum, 'INSERT')
       group by a.attrelid
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'role', tenant_role,
             -- each role has a statement of its own, since its policies are its own
             'statement', format('harness_%s_%s', (select k.oid from pg_catalog.pg_roles k where k.rolname = tenant_role), w.oid), 'relation', w.relation, 'kind', w.relkind, 'active', w.active, 'locked', w.locked,
             'touchable', has_any_column_privilege(w.oid, 'SELECT, INSERT, UPDATE') or has_table_privilege(w.oid, 'DELETE'),
             'select', has_any_column_privilege(w.oid, 'SELECT'),
             'insert', has_column_privilege(w.oid, w.tenant_column, 'INSERT'),
             'update', has_any_column_privilege(w.oid, 'UPDATE'),
             'move', has_column_privilege(w.oid, w.tenant_column, 'UPDATE'),
             'delete', has_table_privilege(w.oid, 'DELETE'),
             'truncate', has_table_privilege(w.oid, 'TRUNCATE'),
             'positions', p.positions, 'policies', a.names,
             'rows', format('jsonb_populate_recordset(null::%s, %L) as %I', w.relation,
                            jsonb_build_array(jsonb_build_object(w.tenant_column, w.own), jsonb_build_object(w.tenant_column, w.other), jsonb_build_object(w.tenant_column, w.member)), w.relname),
             'expressions', p.expressions, 'alone', a.expressions,
             -- a BEFORE trigger or a rule would run first, and what it does (a sequence, a call to elsewhere) no rollback undoes
             'put', case when not exists (select from pg_catalog.pg_trigger g
                                           where g.tgrelid = w.oid and g.tgtype & 6 = 6 and g.tgenabled <> 'D' and not g.tgisinternal)
                          and not exists (select from pg_catalog.pg_rewrite u where u.ev_class = w.oid and u.ev_type = '3')
                         then format('insert into %s (%s) overriding system value values (%s)', w.relation, c.names, c.contents) end,
             'take', format('update %s set %I = %L', w.relation, w.tenant_column, w.own),
             'wipe', format('delete from %s', w.relation))
           order by w.relation), '[]')
      into targets
      from wanted w
      join predicates p on p.oid = w.oid
      left join alone a on a.polrelid = w.oid
      left join columns c on c.attrelid = w.oid;

    everything := everything || array(select jsonb_array_elements(targets));
  end loop;

  -- Who sees what in which context. Contexts go round the roles and not the other way about: a setting that was once set is never
  -- unset again. A table on which the role has no privilege needs no asking. A statement is prepared once and run in every context: that saves planning, and it is what a pool does,
  -- so that a plan with a tenant frozen into it shows.
  opened := array_fill(false, array[cardinality(everything)]);
  locked := array(select (t ->> 'locked')::boolean from unnest(everything) as t);
  ready := array(select t ->> 'statement' in (select name from pg_catalog.pg_prepared_statements) from unnest(everything) as t);
  for context in select jsonb_array_elements(model -> 'contexts') loop
    perform set_config(key, value, true) from jsonb_each_text(context -> 'settings');
    tenant_role := null;
    i := 0;
    foreach target in array everything loop
      i := i + 1;
      if target ->> 'role' is distinct from tenant_role then
        tenant_role := target ->> 'role';
        perform set_config('role', tenant_role, true);
      end if;
      continue when not (target ->> 'touchable')::boolean;
      open := '{}';
      begin
        if locked[i] then
          raise lock_not_available using message = 'another session holds a lock on it';
        elsif model ->> 'depth' = 'explain' then
          execute format('explain (format json, costs off) select from %s', target ->> 'relation') into plan;
          if plan::text ~ filter then
            raise sqlstate 'HS001' using message = 'this branch is protected, so that only its plan was asked for; it has a filter';
          end if;
          visible := false; answers := null; open := '{select}';
        else
          if not ready[i] then
            execute format('prepare %I as select %s, (select array_agg(array[%s]) from %s)', target ->> 'statement',
              case when (target ->> 'select')::boolean then format('exists (select from %s)', target ->> 'relation') else 'false' end,
              target ->> 'expressions', target ->> 'rows');
            ready[i] := true;
          end if;
          execute format('execute %I', target ->> 'statement') into visible, answers;
        visible := visible and not coalesce((context ->> 'member')::boolean, false);  -- a member has rows to see
        end if;
        state := null; problem := null;
      exception when others then
        visible := null; answers := null; state := sqlstate; problem := sqlerrm;
        locked[i] := state = '55P03';  -- waiting for a lock once is enough
      end;
      if context ->> 'kind' = 'tenant' then
        opened[i] := opened[i] or coalesce(true = any(case when (context ->> 'member')::boolean then answers[3:3] else answers[1:1] end), false);
      end if;
      -- Only what is open or went wrong is written down: 10,000 healthy tables have nothing to say.
      if visible or true = any(case context ->> 'kind' when 'tenant' then answers[2:2] else answers end) then
        open := array(select p.key from jsonb_each_text(target -> 'positions') as p
                       where (target ->> p.key)::boolean
                         and (answers[2][p.value::int] or (context ->> 'kind' = 'closed' and answers[1][p.value::int]))
                       order by p.key);
      end if;
      if state is not null or visible or open <> '{}' then
        holes := array_append(holes, jsonb_build_object('role', tenant_role, 'relation', target ->> 'relation', 'context', context ->> 'name',
          'visible', coalesce(visible, false), 'open', to_jsonb(open), 'sqlstate', state, 'message', problem, 'undecided', coalesce(state = 'HS001', false)));
      end if;
    end loop;
  end loop;

  -- The last context is a tenant's. In it: try to store a stranger's row, and ask for the plans that read no column.
  tenant_role := null;
  i := 0;
  foreach target in array everything loop
    i := i + 1;
    acts := '{}';
    if target ->> 'role' is distinct from tenant_role then
      tenant_role := target ->> 'role';
      perform set_config('role', tenant_role, true);
    end if;
    if probing and not locked[i] and (target ->> 'insert')::boolean and target ->> 'put' is not null then
      begin
        execute target ->> 'put';
        raise exception using errcode = 'HS000', message = 'stored';  -- rolls the row back
      exception when others then
        acts := acts || jsonb_build_object('insertState', sqlstate, 'insertMessage', sqlerrm);
      end;
    end if;
    if probing and not locked[i] and target ->> 'alone' is not null then
      begin
        execute format('select array_agg(array[%s]) from %s', target ->> 'alone', target ->> 'rows') into answers;
        acts := acts || jsonb_build_object('careless',
          (select jsonb_agg(distinct policy) from jsonb_array_elements_text(target -> 'policies') with ordinality as p (policy, n) where answers[2][n]));
      exception when others then
        acts := acts || jsonb_build_object('sqlstate', sqlstate, 'message', sqlerrm);
      end;
    end if;
    if (model ->> 'acts')::boolean and not locked[i] then
      begin
        if (target ->> 'move')::boolean then
          execute 'explain (format json, costs off) ' || (target ->> 'take') into plan;
          acts := acts || jsonb_build_object('updateFiltered', plan::text ~ filter);
        end if;
        if (target ->> 'delete')::boolean then
          execute 'explain (format json, costs off) ' || (target ->> 'wipe') into plan;
          acts := acts || jsonb_build_object('deleteFiltered', plan::text ~ filter);
        end if;
      exception when others then
        null;  -- a hot standby plans no UPDATE; the policies' evaluation decides alone then
      end;
    end if;
    if locked[i] then
      acts := jsonb_build_object('sqlstate', '55P03', 'message', 'another session holds a lock on it');
    elsif model ->> 'depth' = 'explain' then
      acts := acts || jsonb_build_object('sqlstate', 'HS001', 'message', 'this branch is protected');
    end if;
    tables := array_append(tables, acts || jsonb_build_object('opened', opened[i]) || (target - '{oid,statement,touchable,locked,positions,policies,rows,expressions,alone,put,take,wipe}'::text[]));
  end loop;

  -- Prepared statements outlive their transaction; the second one uses those of the first.
  if (model ->> 'last')::boolean then
    for prepared in select name from pg_catalog.pg_prepared_statements where name like 'harness\_%' loop
      execute format('deallocate %I', prepared);
    end loop;
  end if;
  perform set_config('harness.observations', jsonb_build_object('tables', to_jsonb(tables), 'holes', to_jsonb(holes))::text, true);
end
$pass$;
