-- A conversion is a row that says what comes next. Every step is a transaction that does its work and moves the row on, so that whoever is
-- killed anywhere begins where the row stands.

create table if not exists partitions.conversions (
  relation text primary key,
  source regclass not null,
  parent regclass,
  key_column name not null,
  period text not null check (period in ('day', 'week', 'month', 'quarter', 'year')),
  time_zone text not null,
  method text not null check (method in ('attach', 'shadow')),
  extend_keys boolean not null,
  premake integer not null,
  retention interval,
  step text not null default 'build' check (step in ('build', 'children', 'index', 'bound', 'prove', 'watch', 'copy', 'verify', 'swap', 'validate', 'finish')),
  oldest timestamptz,
  newest timestamptz,
  legacy_until timestamptz,
  fingerprint text,
  last_position jsonb,
  copied_to jsonb,
  copied bigint not null default 0,
  began_at timestamptz not null default now(),
  moved_at timestamptz not null default now()
);
-- An older version had these not.
alter table partitions.conversions add column if not exists running_before text[], add column if not exists server_started_at timestamptz,
  add column if not exists made_until timestamptz;
comment on table partitions.conversions is 'The tables that are being partitioned while they are in use.';
comment on column partitions.conversions.relation is 'schema.table, quoted where needed.';
comment on column partitions.conversions.parent is 'The partitioned table, in a schema of its own until it gets the name.';
comment on column partitions.conversions.step is
  'What comes next. Both methods: build, children, …, swap, validate. attach: index, bound, prove. shadow: watch, copy, verify, and finish, which waits to be asked.';
comment on column partitions.conversions.oldest is 'Of the key when it was begun: partitions are made from there on.';
comment on column partitions.conversions.legacy_until is 'attach: where the old table ends as a partition.';
comment on column partitions.conversions.fingerprint is 'Of the definition of the table when its parent was built: if it is changed meanwhile, the swap is refused.';
comment on column partitions.conversions.last_position is 'shadow: the last row to copy. What came later was written twice.';
comment on column partitions.conversions.made_until is 'Step children: where the last partition ends that was made. NULL: to be asked.';
comment on column partitions.conversions.copied_to is 'shadow: the last row that is copied.';
comment on column partitions.conversions.running_before is
  'shadow: the transactions (virtual ids) that were running when the copy was complete. Their snapshots may not see all of it. NULL: not written down yet.';
comment on column partitions.conversions.server_started_at is 'shadow: when the server was started on which these ran. Virtual ids begin anew with each start.';

revoke all on table partitions.conversions from public;

create or replace function partitions.fingerprint(source regclass) returns text
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  return (select md5(string_agg(f.part, e'\n' order by f.part))
  from (
    select format('column %s %s %s %s %s %s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attcollation, a.attnotnull, a.attidentity, a.attgenerated,
      (select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef as d where d.adrelid = a.attrelid and d.adnum = a.attnum)) as part
    from pg_catalog.pg_attribute as a where a.attrelid = source and a.attnum > 0 and not a.attisdropped
    union all
    select format('constraint %s %s', c.conname, pg_catalog.pg_get_constraintdef(c.oid)) from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.conname <> 'partition_bounds' and c.contype in ('c', 'f', 'p', 'u', 'x')
    union all
    select format('index %s', pg_catalog.pg_get_indexdef(i.indexrelid)) from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indrelid = source and not partitions.is_extended(c.relname)
    union all
    select format('statistics %s', pg_catalog.pg_get_statisticsobjdef(x.oid)) from pg_catalog.pg_statistic_ext as x where x.stxrelid = source
    union all
    select format('policy %s', p) from partitions.policies(source) as p
    union all
    select format('table %s %s %s', c.relowner, c.relrowsecurity, c.relreplident) from pg_catalog.pg_class as c where c.oid = source
  ) as f);
end
$$;
comment on function partitions.fingerprint(regclass) is 'Changes with what partitions.build_parent() carries over.';

create or replace function partitions.extent(source regclass, key name)
returns table (readable boolean, oldest timestamptz, newest timestamptz)
language plpgsql stable
set search_path = ''
set row_security = off
set timezone = 'UTC'
as $$
begin
  execute format('select true, min(%1$I)::pg_catalog.timestamptz, max(%1$I)::pg_catalog.timestamptz from %2$s', key, partitions.whole_name(source))
  into readable, oldest, newest;
  return next;
exception
  when insufficient_privilege then
    readable := false;
    return next;
  -- A date may lie beyond every timestamp.
  when datetime_field_overflow then
    readable := true;
    newest := 'infinity';
    return next;
end
$$;
comment on function partitions.extent(regclass, name) is
  'The oldest and the newest key of a table; readable is false, and they are NULL, if row security hides rows from this role.';

create or replace function partitions.end_of_period(period text, time_zone text, at timestamptz) returns timestamptz
language sql stable
set search_path = ''
as $$ select p.ends_at from partitions.periods(period, time_zone, at, at) as p limit 1 $$;
comment on function partitions.end_of_period(text, text, timestamptz) is 'When the period ends that holds the instant.';

-- The old table takes no row beyond its bound once that is declared; a day is enough for everything that follows, or for somebody to look.
create or replace function partitions.legacy_bound(period text, time_zone text, newest timestamptz) returns timestamptz
language sql stable
set search_path = ''
as $$ select partitions.end_of_period(period, time_zone, greatest(newest, now() + interval '1 day')) $$;
comment on function partitions.legacy_bound(text, text, timestamptz) is 'Where an old table ends that becomes a partition: with the period of its newest row, or of tomorrow.';

create or replace function partitions.outliers(source regclass, key name, period text) returns text
language plpgsql stable
set search_path = ''
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  found_ones pg_catalog.text;
begin
  -- Groups of rows with years without any between them; the largest is what the table is about.
  execute format($query$
    with occupied as (
      select date_trunc(%1$L, k::pg_catalog.timestamp) as at, count(*) as rows, min(k) as first, max(k) as last from (select %2$I as k from %3$s) as r group by 1
    ), marked as (
      select o.*, coalesce(o.at - lag(o.at) over (order by o.at) > greatest(24 * partitions.step(%1$L), interval '2 years'), false)::int4 as begins from occupied as o
    ), numbered as (
      select m.*, sum(m.begins) over (order by m.at) as number from marked as m
    ), groups as (
      select sum(n.rows) as rows, min(n.first) as first, max(n.last) as last, row_number() over (order by sum(n.rows) desc, max(n.at) desc) as rank from numbered as n group by n.number
    )
    select string_agg(format('%%s %%s %%s', g.rows, case g.rows when 1 then 'row of' else 'rows of' end,
      case when g.first = g.last then g.first::text else g.first || ' to ' || g.last end), ', ' order by g.rows, g.first) from groups as g where g.rank between 2 and 6
    $query$, period, key, partitions.whole_name(source)) into found_ones;
  return found_ones;
end
$$;
comment on function partitions.outliers(regclass, name, text) is
  'The rows whose key is years away from those of the others, such as 9999-12-31 or 0001-01-01, in words; NULL if there are none. Reads the table.';

create or replace function partitions.refuse_too_many(
  source regclass, key name, period text, from_at timestamptz, upto timestamptz, max_partitions integer default null
) returns void
language plpgsql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  most constant integer := coalesce(max_partitions, 500);
  -- Reckoned, not counted: there may be millions.
  number constant pg_catalog.int8 := ceil(extract(epoch from upto - from_at) / extract(epoch from partitions.step(period)));
begin
  if number > most then
    raise program_limit_exceeded using
      message = format('%s from %s to %s is %s periods (%s), and more than %s are made only if asked for',
        partitions.whole_name(source), from_at::date, upto::date, number, period, most),
      hint = format('%sChoose a longer period, or ask for it: --max-partitions %s.',
        'Years away from the others: ' || partitions.outliers(source, key, period) || '. Correct them. ', number);
  end if;
end
$$;
comment on function partitions.refuse_too_many(regclass, name, text, timestamptz, timestamptz, integer) is
  'An error if a table has more periods than that (500) between two instants, which names the rows that lie far from the others.';

create or replace function partitions.wanted(conversion partitions.conversions) returns table (starts_at timestamptz, ends_at timestamptz)
language sql stable
set search_path = ''
as $$
  select f.starts_at, partitions.end_of_period(conversion.period, conversion.time_zone, l.at)
  from (select coalesce(conversion.legacy_until, least(conversion.oldest, now())),
    greatest(conversion.newest, conversion.legacy_until, now()) + conversion.premake * partitions.step(conversion.period)) as l (first, at)
  cross join lateral (select p.starts_at from partitions.periods(conversion.period, conversion.time_zone, l.first, l.first) as p limit 1) as f
$$;
comment on function partitions.wanted(partitions.conversions) is
  'From when to when a conversion needs partitions: from the period of the oldest row (attach: from the bound) to so many periods after the newest row and now.';

-- Of an older version, without max_partitions.
do $$
begin
  if to_regprocedure('partitions.plan(regclass, name, text, text, text, boolean, integer, interval)') is not null then
    drop function partitions.plan(regclass, name, text, text, text, boolean, integer, interval);
  end if;
end
$$;

create or replace function partitions.plan(
  source regclass, key name, period text, time_zone text default 'UTC', method text default null, extend_keys boolean default false,
  premake integer default 3, retention interval default null, max_partitions integer default null
) returns partitions.conversions
language plpgsql stable
set search_path = ''
as $$
declare
  planned partitions.conversions;
  extent record;
begin
  planned.relation := partitions.whole_name(source);
  planned.source := source;
  planned.key_column := key;
  planned.period := period;
  planned.time_zone := time_zone;
  planned.extend_keys := extend_keys;
  planned.premake := premake;
  planned.retention := retention;
  planned.step := 'build';
  select * into extent from partitions.extent(source, key);
  planned.oldest := extent.oldest;
  planned.newest := extent.newest;
  -- Attaching moves nothing, and leaves all that is there in one partition: good enough where nothing lies ahead and nothing is to go by age.
  planned.method := coalesce(plan.method, case
    when not extent.readable or partitions.identifying_index(source) is null then 'attach'
    when retention is null and coalesce(extent.newest < partitions.end_of_period(plan.period, plan.time_zone, now()), true) then 'attach'
    else 'shadow'
  end);
  if planned.method = 'shadow' and not extent.readable then
    raise insufficient_privilege using
      message = format('row security hides rows of %s from this role, so that they cannot be copied', planned.relation),
      hint = format('Connect with BYPASSRLS; or as its owner, meanwhile: alter table %s no force row level security; or use --method attach, which reads nothing.', planned.relation);
  end if;
  if not isfinite(coalesce(extent.oldest, now())) or not isfinite(coalesce(extent.newest, now())) then
    raise check_violation using
      message = format('%I of %s is infinite in some rows, or beyond every timestamp, and no partition is for them', key, planned.relation),
      hint = format('Give them a date: select * from %s order by %I desc; and asc.', planned.relation, key);
  end if;
  if planned.method = 'attach' then
    planned.legacy_until := partitions.legacy_bound(plan.period, plan.time_zone, extent.newest);
    -- Until there everything would go into the old table.
    perform partitions.refuse_too_many(source, key, plan.period, now(), planned.legacy_until, max_partitions);
  else
    perform partitions.refuse_too_many(source, key, plan.period, least(extent.oldest, now()),
      greatest(extent.newest, now()) + premake * partitions.step(plan.period), max_partitions);
  end if;
  return planned;
end
$$;
comment on function partitions.plan(regclass, name, text, text, text, boolean, integer, interval, integer) is
  'What a conversion would be; changes nothing. Without a method: attach if no row lies beyond the current period and no retention is wanted, '
  'or if nothing else is possible; shadow otherwise. An error if there were more than max_partitions (500).';

create or replace function partitions.conversion(relation text) returns partitions.conversions
language sql volatile
set search_path = ''
as $$ select c from partitions.conversions as c where c.relation = conversion.relation for update $$;
comment on function partitions.conversion(text) is 'The conversion of a table, locked until the transaction ends.';

create or replace function partitions.move_on(relation text, step text) returns text
language sql volatile
set search_path = ''
as $$ update partitions.conversions as c set step = move_on.step, moved_at = now() where c.relation = move_on.relation returning c.step $$;
comment on function partitions.move_on(text, text) is 'Says what comes next.';

create or replace function partitions.workspace(source regclass) returns name
language sql immutable
set search_path = ''
as $$ select format('partitions_%s_new', source::pg_catalog.oid)::pg_catalog.name $$;
comment on function partitions.workspace(regclass) is 'The schema that the partitioned table is made in.';

create or replace function partitions.attic(source regclass) returns name
language sql immutable
set search_path = ''
as $$ select format('partitions_%s_old', source::pg_catalog.oid)::pg_catalog.name $$;
comment on function partitions.attic(regclass) is 'The schema that the old table is kept in.';

create or replace function partitions.refuse_blocked(conversion partitions.conversions) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  obstacle record;
begin
  for obstacle in select * from partitions.blockers(conversion.source, conversion.key_column, conversion.extend_keys, conversion.method) as b limit 1 loop
    raise object_not_in_prerequisite_state using
      message = format('%s cannot be partitioned: %s: %s', conversion.relation, obstacle.object, obstacle.reason), hint = obstacle.hint;
  end loop;
end
$$;
comment on function partitions.refuse_blocked(partitions.conversions) is 'An error with the first of the blockers, if there is one.';

create or replace function partitions.begin_conversion(conversion partitions.conversions) returns text
language plpgsql
set search_path = ''
as $$
begin
  perform partitions.refuse_blocked(conversion);
  conversion.began_at := now();
  conversion.moved_at := now();
  conversion.copied := 0;
  insert into partitions.conversions select conversion.*;
  return conversion.relation;
end
$$;
comment on function partitions.begin_conversion(partitions.conversions) is 'Begins a conversion as it was planned.';

revoke execute on function
  partitions.fingerprint(regclass), partitions.extent(regclass, name), partitions.end_of_period(text, text, timestamptz), partitions.legacy_bound(text, text, timestamptz),
  partitions.outliers(regclass, name, text), partitions.refuse_too_many(regclass, name, text, timestamptz, timestamptz, integer),
  partitions.plan(regclass, name, text, text, text, boolean, integer, interval, integer), partitions.conversion(text), partitions.move_on(text, text),
  partitions.wanted(partitions.conversions), partitions.workspace(regclass), partitions.attic(regclass), partitions.refuse_blocked(partitions.conversions), partitions.begin_conversion(partitions.conversions)
from public;
