-- What is kept up for which table.

create table if not exists partitions.managed (
  parent regclass primary key,
  period text not null check (period in ('day', 'week', 'month', 'quarter', 'year')),
  time_zone text not null default 'UTC',
  premake integer not null default 3 check (premake between 0 and 1000),
  retention interval check (retention > '0'),
  expired text not null default 'keep' check (expired in ('keep', 'detach', 'archive', 'drop')),
  archive_schema name
);
comment on table partitions.managed is 'The tables whose partitions are made ahead of time, and what becomes of the expired ones.';
comment on column partitions.managed.time_zone is 'Whose midnight is a bound. For a key of type date or timestamp it is UTC: its wall clock is its own.';
comment on column partitions.managed.premake is 'How many periods there are to be after the current one.';
comment on column partitions.managed.retention is 'How long rows are kept, at least; a partition expires as a whole. NULL: for ever.';
comment on column partitions.managed.expired is 'What becomes of expired partitions. keep: nothing. detach: a table of its own. archive: the same, in archive_schema. drop: dropped.';
comment on column partitions.managed.archive_schema is 'NULL: archive.';

create or replace function partitions.infer_period(parent regclass) returns table (period text, time_zone text)
language sql stable
set search_path = ''
as $$
  -- What most of the newest partitions are: all but one after a change of the period would still be the old ones.
  with newest as (
    select c.starts_at, c.ends_at
    from partitions.children(parent) as c
    where isfinite(c.starts_at) and isfinite(c.ends_at) and not c.is_default
    order by c.ends_at desc limit 6
  ), matching as (
    select p.name, z.name as time_zone, z.place, count(*) as matches
    from newest
    cross join unnest(array['day', 'week', 'month', 'quarter', 'year']) as p (name)
    cross join (
      select distinct on (zone.name) zone.name, zone.place
      from unnest(array['UTC', case when (select k.type from partitions.key(parent) as k) = 'timestamptz'::pg_catalog.regtype then current_setting('TimeZone') else 'UTC' end])
        with ordinality as zone (name, place)
      order by zone.name, zone.place
    ) as z
    where exists (
      select from partitions.periods(p.name, z.name, newest.starts_at, newest.starts_at) as found
      where found.starts_at = newest.starts_at and found.ends_at = newest.ends_at
    )
    group by p.name, z.name, z.place
  )
  select m.name, m.time_zone
  from matching as m
  where m.matches * 2 > (select count(*) from newest)
  order by m.matches desc, m.place limit 1
$$;
comment on function partitions.infer_period(regclass) is 'The period that the newest partitions have, in UTC or the time zone of the session; nothing if they have none.';

create or replace function partitions.fits(starts timestamptz[], ends timestamptz[], period text, step interval, time_zone text) returns boolean
language sql stable
set search_path = ''
as $$
  select 2 * count(*) filter (where date_trunc(period, b.starts_at at time zone time_zone) = b.starts_at at time zone time_zone
    and b.starts_at at time zone time_zone + step = b.ends_at at time zone time_zone) > count(*)
  from unnest(starts, ends) as b (starts_at, ends_at)
$$;
comment on function partitions.fits(timestamptz[], timestamptz[], text, interval, text) is 'Whether most of these intervals are periods on the wall clock of a time zone.';

create or replace function partitions.zone_of(parent regclass, period text) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  step constant interval := partitions.step(period);
  starts pg_catalog.timestamptz[];
  ends pg_catalog.timestamptz[];
  fitting pg_catalog.text[];
begin
  if (select k.type from partitions.key(parent) as k) <> 'pg_catalog.timestamptz'::pg_catalog.regtype then
    return 'UTC';
  end if;
  select array_agg(n.starts_at order by n.ends_at), array_agg(n.ends_at order by n.ends_at) into starts, ends
  from (
    select c.starts_at, c.ends_at from partitions.children(parent) as c
    where isfinite(c.starts_at) and isfinite(c.ends_at) and not c.is_default order by c.ends_at desc limit 6
  ) as n;
  -- Asked one after the other: all of them are many.
  foreach fitting slice 1 in array array[array['UTC'], array[current_setting('TimeZone')]] loop
    if starts is null or partitions.fits(starts, ends, period, step, fitting[1]) then
      return fitting[1];
    end if;
  end loop;
  select array_agg(z.name order by z.name) into fitting
  from pg_catalog.pg_timezone_names as z where z.name ~ '^(Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/' and partitions.fits(starts, ends, period, step, z.name);
  if fitting is not null then
    raise invalid_parameter_value using
      message = format('the partitions of %s begin with the %s of another time zone than UTC', parent, period),
      hint = format('Say which: --time-zone. These would fit: %s%s.', array_to_string(fitting[1:5], ', '), case when cardinality(fitting) > 5 then format(' and %s more', cardinality(fitting) - 5) end);
  end if;
  return 'UTC';
end
$$;
comment on function partitions.zone_of(regclass, text) is
  'The time zone in which most of the newest partitions are such periods: UTC, or that of the session; UTC if they are in none. An error if they are in others only, which it names.';

create or replace function partitions.settings(parent regclass) returns partitions.managed
language plpgsql stable
set search_path = ''
as $$
declare
  found_settings partitions.managed;
begin
  select * into found_settings from partitions.managed as m where m.parent = settings.parent;
  if found_settings.parent is not null then
    return found_settings;
  end if;
  select settings.parent, i.period, i.time_zone, 3, null, 'keep', null into found_settings from partitions.infer_period(settings.parent) as i;
  if found_settings.parent is null then
    raise object_not_in_prerequisite_state using
      message = format('the period of %s is not known', settings.parent),
      hint = 'Say it with partitions.manage(), or harness partitions ensure --period.';
  end if;
  return found_settings;
end
$$;
comment on function partitions.settings(regclass) is 'What is kept up for a table; if nothing is said of it, three periods of the length that its partitions have.';

create or replace function partitions.manage(
  parent regclass, period text default null, time_zone text default null, premake integer default null,
  retention interval default null, expired text default null, archive_schema name default null
) returns partitions.managed
language plpgsql
set search_path = ''
as $$
declare
  key constant record := (select k from partitions.key(parent) as k);
  known partitions.managed;
begin
  select * into known from partitions.managed as m where m.parent = manage.parent;
  if known.parent is null and manage.period is null then
    known := partitions.settings(manage.parent);
  end if;
  -- Raises an error if there is no such time zone.
  perform now() at time zone manage.time_zone;
  if key.type <> 'pg_catalog.timestamptz'::pg_catalog.regtype and upper(coalesce(manage.time_zone, 'UTC')) <> 'UTC' then
    raise invalid_parameter_value using
      message = format('the key %I of %s is of type %s, which knows no time zone', key.name, manage.parent, key.type),
      hint = 'Its partitions begin at midnight of its own wall clock: leave the time zone out.';
  end if;
  insert into partitions.managed as m (parent, period, time_zone, premake, retention, expired, archive_schema)
  values (
    manage.parent, coalesce(manage.period, known.period), coalesce(manage.time_zone, known.time_zone, partitions.zone_of(manage.parent, manage.period)), coalesce(manage.premake, known.premake, 3),
    coalesce(manage.retention, known.retention), coalesce(manage.expired, known.expired, 'keep'), coalesce(manage.archive_schema, known.archive_schema)
  )
  on conflict on constraint managed_pkey do update
    set period = excluded.period, time_zone = excluded.time_zone, premake = excluded.premake,
      retention = excluded.retention, expired = excluded.expired, archive_schema = excluded.archive_schema
  returning * into known;
  return known;
end
$$;
comment on function partitions.manage(regclass, text, text, integer, interval, text, name) is
  'Keeps up the partitions of a table from now on, or changes how. NULL: as it was, or the default.';

revoke all on table partitions.managed from public;
revoke execute on function
  partitions.infer_period(regclass), partitions.fits(timestamptz[], timestamptz[], text, interval, text), partitions.zone_of(regclass, text), partitions.settings(regclass),
  partitions.manage(regclass, text, text, integer, interval, text, name)
from public;
