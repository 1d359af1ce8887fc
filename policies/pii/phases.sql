-- The roll-out, phase by phase. Each move is a short transaction of the owner: what takes long holds no lock that anybody
-- waits for, and what takes a strong lock does not take long.

create or replace function pii.move_to(relation regclass, phase text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  table_name constant pg_catalog.text := pii.name_of(relation);
  phases constant pg_catalog.text[] := array['expand', 'backfilled', 'verified', 'switched', 'retiring', 'retired'];
  here constant pg_catalog.int4 := array_position(phases, target.phase);
  there constant pg_catalog.int4 := array_position(phases, phase);
  obstacle pg_catalog.text;
  c record;
begin
  if there is null then
    raise invalid_parameter_value using
      message = format('%L is no phase', phase), hint = 'They are, in order: ' || array_to_string(phases, ', ') || '.';
  end if;
  if here = there then
    return target.phase;
  end if;
  if there > here + 1 then
    obstacle := format('it is in phase %s, and %s comes first', target.phase, phases[here + 1]);
  elsif there < here and here > 4 then
    obstacle := format('it is in phase %s, where plaintext is dropped already', target.phase);
  elsif there < here - 1 then
    obstacle := format('it is in phase %s: one step back is %s', target.phase, phases[here - 1]);
  elsif there > here then
    obstacle := pii.obstacle_to(relation, phase);
  end if;
  if obstacle is not null then
    raise sqlstate 'PI020' using
      message = format('%s cannot be moved to phase %s: %s', target.relation, phase, obstacle),
      hint = 'See the phases in docs/pii.md.';
  end if;

  update pii.protected_tables as t set phase = move_to.phase, since = now() where t.relation = target.relation;

  for c in
    select p.column_name, p.column_name || '_encrypted' as encrypted, p.plain_columns,
      p.column_name || '_is_sealed' as sealed_check, p.column_name || '_is_not_in_clear' as clear_check
    from pii.protected_columns as p where p.relation = target.relation
  loop
    if here = 1 then
      execute format('alter table %s add constraint %I check (%I is null or %I is not null) not valid',
        table_name, c.sealed_check, c.column_name, c.encrypted);
      execute format('comment on constraint %I on %s is %L', c.sealed_check, table_name, 'No value stands in clear alone.');
    elsif here = 2 and there = 3 then
      execute format('alter table %s validate constraint %I', table_name, c.sealed_check);
    elsif here = 2 then
      execute format('alter table %s drop constraint %I', table_name, c.sealed_check);
    elsif here = 4 and there = 5 then
      execute format('alter table %s add constraint %I check (%I is null) not valid', table_name, c.clear_check, c.column_name);
      execute format('comment on constraint %I on %s is %L', c.clear_check, table_name, 'No value stands in clear.');
    elsif here = 5 then
      execute format('alter table %s validate constraint %I', table_name, c.clear_check);
      execute coalesce(
        (select string_agg(format('alter table %s drop column if exists %I', table_name, d.name), ';') from unnest(c.plain_columns) as d (name)),
        'select');
    end if;
  end loop;

  if here = 3 and there = 4 then
    execute format('revoke select on %s from public, authenticated, anonymous', table_name);
    execute format('grant select (%I, %I) on %s to authenticated', target.tenant_column, target.id_column, table_name);
  elsif here = 4 and there = 3 then
    execute format('grant select on %s to authenticated', table_name);
  elsif here = 4 then
    perform pii.build_trigger(relation);
  end if;
  return phase;
end
$$;
comment on function pii.move_to(regclass, text) is
  'Moves a table to the next phase of its roll-out, or one back until it is retiring. PI020 with the reason while the '
  'condition of the phase does not hold. To verified it opens every value: needs app.pii.key. For the owner of the table.';

-- Counts are a job's, since row security is forced and the owner may have no BYPASSRLS.
create or replace function pii.obstacle_to(relation regclass, phase text) returns text
language plpgsql
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  who constant pg_catalog.text := current_setting('role');
  job constant pg_catalog.text := current_setting('app.job', true);
  obstacle pg_catalog.text;
  position_tenant pg_catalog.uuid;
  position_id pg_catalog.uuid;
  batch record;
begin
  if phase = 'backfilled' then
    select string_agg(i.statement, '; ') into obstacle
    from pii.index_statements(relation) as i (statement)
    where not exists (
      select from pg_catalog.pg_index as x
      join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = x.indkey[1]
      join pg_catalog.pg_attribute as t on t.attrelid = x.indrelid and t.attnum = x.indkey[0]
      where x.indrelid = relation and x.indisvalid and t.attname = target.tenant_column
        and i.statement like '%' || quote_ident(a.attname) || ') where%' and (x.indisunique or i.statement not like 'create unique%')
    );
    if obstacle is not null then
      return 'an index is missing or not valid: ' || obstacle;
    end if;
  end if;

  perform set_config('role', 'app_background', true), set_config('app.job', 'pii-phase', true);
  if phase in ('backfilled', 'verified') then
    select string_agg(format('%s values of %s are not sealed', s.unsealed, s.column_name), ', ') into obstacle
    from pii.status(relation) as s where s.unsealed > 0;
  elsif phase = 'retired' then
    select string_agg(format('%s values of %s stand in clear', s.plaintext, s.column_name), ', ') into obstacle
    from pii.status(relation) as s where s.plaintext > 0;
  end if;
  if phase = 'verified' and obstacle is null then
    loop
      batch := pii.check_batch(relation, 10000, position_tenant, position_id);
      if batch.damaged + batch.differing > 0 then
        obstacle := format('%s values do not open and %s are not what stands in clear, the first in row %s',
          batch.damaged, batch.differing, batch.problems -> 0 ->> 'id');
      end if;
      exit when batch.finished or obstacle is not null;
      position_tenant := batch.last_tenant;
      position_id := batch.last_id;
    end loop;
  end if;
  perform set_config('role', who, true), set_config('app.job', coalesce(job, ''), true);
  return obstacle;
end
$$;
comment on function pii.obstacle_to(regclass, text) is 'Why a table cannot enter a phase, or NULL. For the owner of the table.';

revoke execute on function pii.move_to(regclass, text), pii.obstacle_to(regclass, text) from public;
