-- The copy. From one moment on every change is made in both tables, in the same transaction; then the rows that were there before are
-- copied, in batches. A batch locks its rows FOR SHARE: who changes one of them waits until the copy is committed, and then finds it.

create or replace function partitions.arbiter(conversion partitions.conversions) returns text
language sql stable
set search_path = ''
as $$
  select string_agg(quote_ident(a.attname), ', ' order by k.place) || case when not bool_or(a.attname = conversion.key_column) then ', ' || quote_ident(conversion.key_column) else '' end
  from pg_catalog.pg_index as i
  cross join lateral unnest(i.indkey::pg_catalog.int2[]) with ordinality as k (attnum, place)
  join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indexrelid = partitions.identifying_index(conversion.source) and k.place <= i.indnkeyatts
$$;
comment on function partitions.arbiter(partitions.conversions) is 'The columns by which a row is found in the copy.';

create or replace function partitions.step_watch(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  repeater constant pg_catalog.text := format('%I.repeat', partitions.workspace(c.source));
  arbiter constant pg_catalog.text := partitions.arbiter(c);
  owner constant pg_catalog.name := (select pg_catalog.pg_get_userbyid(relowner) from pg_catalog.pg_class where oid = c.source);
  names constant pg_catalog.text[] := array(select quote_ident(attname) from pg_catalog.pg_attribute where attrelid = c.source and attnum > 0 and not attisdropped and attgenerated = '' order by attnum);
  found_by constant pg_catalog.text[] := array(
    select quote_ident(a.attname) from pg_catalog.pg_index as i cross join lateral unnest(i.indkey::pg_catalog.int2[]) with ordinality as k (attnum, place)
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indexrelid = partitions.identifying_index(c.source) and k.place <= i.indnkeyatts
    union select quote_ident(c.key_column));
  has_rows pg_catalog.bool;
begin
  -- Writers that are under way have made their changes in one table only: they are waited for. The copy is empty, or was given up.
  execute format('lock table %s in share row exclusive mode', partitions.whole_name(c.source));
  execute format('select exists (select from %s)', partitions.whole_name(c.parent)) into has_rows;
  if has_rows then
    execute format('truncate table %s', partitions.whole_name(c.parent));
  end if;
  execute format($template$
    create or replace function %1$s() returns trigger
    language plpgsql security definer
    set search_path = ''
    as $function$
    begin
      if tg_op = 'TRUNCATE' then
        truncate %2$s;
        return null;
      end if;
      if tg_op = 'DELETE' or tg_op = 'UPDATE' and (%3$s) <> (%4$s) then
        -- A snapshot that is older than the copy of the row would not see it: then this raises a serialization failure.
        if current_setting('transaction_isolation') <> 'read committed' then
          insert into %2$s (%5$s) values (%6$s) on conflict (%7$s) do nothing;
        end if;
        delete from %2$s as copy where (%8$s) = (%3$s);
      end if;
      if tg_op in ('INSERT', 'UPDATE') then
        insert into %2$s as copy (%5$s) values (%9$s) on conflict (%7$s) do update set %10$s;
      end if;
      return null;
    end
    $function$
    $template$,
    repeater, partitions.whole_name(c.parent),
    (select string_agg('old.' || n, ', ') from unnest(found_by) as n), (select string_agg('new.' || n, ', ') from unnest(found_by) as n),
    array_to_string(names, ', '), (select string_agg('old.' || n, ', ' order by p) from unnest(names) with ordinality as u (n, p)), arbiter,
    (select string_agg('copy.' || n, ', ') from unnest(found_by) as n),
    (select string_agg('new.' || n, ', ' order by p) from unnest(names) with ordinality as u (n, p)),
    (select string_agg(n || ' = excluded.' || n, ', ' order by p) from unnest(names) with ordinality as u (n, p)));
  execute format('comment on function %s() is %L', repeater,
    'Makes in the copy of a table that is being partitioned what is made in the table. With the rights of the owner: nobody else has any on the copy.');
  execute format('revoke execute on function %s() from public', repeater);
  if owner <> current_user then
    execute format('alter function %s() owner to %I', repeater, owner);
  end if;

  -- The name sorts before others: a trigger that changes the row once more must find the first change made. ALWAYS: rows that replication
  -- brings have to be in the copy too.
  if not exists (select from pg_catalog.pg_trigger where tgrelid = c.source and tgname = '!partitions copy') then
    execute format('create trigger "!partitions copy" after insert or update or delete on %s for each row execute function %s()', partitions.whole_name(c.source), repeater);
    execute format('create trigger "!partitions truncate" after truncate on %s for each statement execute function %s()', partitions.whole_name(c.source), repeater);
    execute format('alter table %s enable always trigger "!partitions copy", enable always trigger "!partitions truncate"', partitions.whole_name(c.source));
  end if;
  return partitions.move_on(relation, 'copy');
end
$$;
comment on function partitions.step_watch(text) is 'From the commit on, every change is made in the copy too. Locks the table against writers until then.';

create or replace function partitions.give_up_copy(relation text) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.method <> 'shadow' or c.step not in ('copy', 'verify', 'swap') then
    return false;
  end if;
  -- Takes no lock on the table. Nothing is swapped before it is watched and copied anew.
  execute format('create or replace function %I.repeat() returns trigger language plpgsql security definer set search_path = %L as %L',
    partitions.workspace(c.source), '', 'begin return null; end');
  update partitions.conversions as t set last_position = null, copied_to = null, copied = 0, running_before = null where t.relation = c.relation;
  perform partitions.move_on(relation, 'watch');
  return true;
end
$$;
comment on function partitions.give_up_copy(text) is
  'Lets writers go on where the copy keeps them from it, as on a full disk: changes are no longer made in it, and it is begun anew from step watch on. False if there is nothing to give up.';

create or replace function partitions.empty_copy(relation text) returns void
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.step = 'watch' then
    execute format('truncate table %s', partitions.whole_name(c.parent));
  end if;
end
$$;
comment on function partitions.empty_copy(text) is 'Frees the room of a copy that was given up.';

create or replace function partitions.copy_batch(relation text, batch integer) returns table (rows integer, finished boolean)
language plpgsql
set search_path = ''
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  identifying constant pg_catalog.oid := partitions.identifying_index(c.source);
  source constant pg_catalog.text := partitions.whole_name(c.source);
  columns constant pg_catalog.text := partitions.columns_of(c.source);
  key_columns pg_catalog.text;
  descending pg_catalog.text;
  as_json pg_catalog.text;
  types pg_catalog.text[];
  last_one jsonb := c.last_position;
  upto jsonb;
  range pg_catalog.text;
begin
  select string_agg(quote_ident(a.attname), ', ' order by k.place), string_agg(quote_ident(a.attname) || ' desc', ', ' order by k.place),
    string_agg(quote_ident(a.attname) || '::pg_catalog.text', ', ' order by k.place), array_agg(pg_catalog.format_type(a.atttypid, null) order by k.place)
  into key_columns, descending, as_json, types
  from pg_catalog.pg_index as i
  cross join lateral unnest(i.indkey::pg_catalog.int2[]) with ordinality as k (attnum, place)
  join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indexrelid = identifying and k.place <= i.indnkeyatts;

  -- Taken when the triggers are there and committed: nothing that is not written twice comes after it.
  if last_one is null then
    execute format('select jsonb_build_array(%s) from %s order by %s limit 1', as_json, source, descending) into last_one;
    update partitions.conversions as t set last_position = last_one where t.relation = c.relation;
  end if;

  rows := 0;
  finished := last_one is null;
  if not finished then
    range := concat_ws(' and ', '(' || key_columns || ') > ' || partitions.position_literal(c.copied_to, types),
      format('(%s) <= %s', key_columns, partitions.position_literal(last_one, types)));
    execute format('select jsonb_build_array(%s) from %s where %s order by %s offset %s limit 1', as_json, source, range, key_columns, batch - 1) into upto;
    finished := upto is null;
    -- A range and no LIMIT: a row whose identity changes while the batch waits for it must not shift where the next one begins.
    range := concat_ws(' and ', '(' || key_columns || ') > ' || partitions.position_literal(c.copied_to, types),
      format('(%s) <= %s', key_columns, partitions.position_literal(coalesce(upto, last_one), types)));
    execute format('insert into %s (%s) select %2$s from %s where %s for share on conflict (%s) do nothing',
      partitions.whole_name(c.parent), columns, source, range, partitions.arbiter(c));
    get diagnostics rows = row_count;
    update partitions.conversions as t set copied_to = coalesce(upto, last_one), copied = t.copied + copy_batch.rows, moved_at = now() where t.relation = c.relation;
  end if;
  if finished then
    perform partitions.move_on(relation, 'verify');
  end if;
  return next;
end
$$;
comment on function partitions.copy_batch(text, integer) is
  'Copies the next rows, so many at most, and remembers where it stopped, in one transaction that has to be READ COMMITTED. rows: how many were not there yet.';

create or replace function partitions.position_literal(at jsonb, types text[]) returns text
language sql immutable
set search_path = ''
as $$
  select '(' || string_agg(format('%L::%s', v.value, types[v.place]), ', ' order by v.place) || ')'
  from jsonb_array_elements_text(at) with ordinality as v (value, place)
$$;
comment on function partitions.position_literal(jsonb, text[]) is 'A position as an expression; NULL for none.';

create or replace function partitions.compare(relation text)
returns table (starts_at timestamp, source_rows bigint, source_hash numeric, copy_rows bigint, copy_hash numeric)
language plpgsql stable
set search_path = ''
set row_security = off
set timezone = 'UTC'
as $$
declare
  c partitions.conversions;
  counted pg_catalog.text;
begin
  select * into c from partitions.conversions as t where t.relation = compare.relation;
  counted := format(
    'select date_trunc(%L, (%I::pg_catalog.timestamptz at time zone %L)) as period, count(*) as number, sum(hashtextextended(row(%s)::pg_catalog.text, 0)) as hash from %%s group by 1',
    c.period, c.key_column, c.time_zone,
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute where attrelid = c.source and attnum > 0 and not attisdropped));
  return query execute format(
    'select period, coalesce(s.number, 0), s.hash, coalesce(n.number, 0), n.hash from (%s) as s full join (%s) as n using (period) order by 1',
    format(counted, partitions.whole_name(c.source)), format(counted, partitions.whole_name(c.parent)));
end
$$;
comment on function partitions.compare(text) is
  'Number and sum of the hashes of the rows by period, in the table and in its copy, as one snapshot sees them. Wants a transaction that is REPEATABLE READ.';

revoke execute on function
  partitions.arbiter(partitions.conversions), partitions.step_watch(text), partitions.give_up_copy(text), partitions.empty_copy(text), partitions.copy_batch(text, integer), partitions.position_literal(jsonb, text[]), partitions.compare(text)
from public;
