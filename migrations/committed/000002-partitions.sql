--! Previous: sha1:75b1e01b43596da3c3f916ee9719a17b97e5a419
--! Hash: sha1:b62f3003ac2ffd778fb118aafb7a34d4c08c699f
--! Message: partitions

-- Source: policies/partitions/ (edit there, then harness commit --pack partitions)

--! Included partitions/schema.sql
-- The home of partition maintenance: nothing in here knows tenants, roles or tables of any platform, and it works in any database. Only
-- the owner of a table can do anything with it: all functions run with the rights of whoever calls them.
create schema if not exists partitions;
comment on schema partitions is 'Range partitions by time: which there have to be, how they are made and isolated, and how they go.';

revoke all on schema partitions from public;
--! EndIncluded partitions/schema.sql
--! Included partitions/version.sql
-- harness puts the hash of this folder's files in the place of "unversioned": what psql has installed, it renews.
create or replace function partitions.version() returns text
language sql immutable parallel safe
return 'ddde6c2992d56983';
comment on function partitions.version() is 'Hash of the files that these functions come from: by it harness knows whether to renew them.';

revoke execute on function partitions.version() from public;
--! EndIncluded partitions/version.sql
--! Included partitions/periods.sql
-- Periods are those of the wall clock of a time zone; bounds are instants. A month has as many hours as it has.

create or replace function partitions.utc_offset(at timestamptz, time_zone text) returns interval
language sql immutable parallel safe
return at at time zone time_zone - at at time zone 'UTC';
comment on function partitions.utc_offset(timestamptz, text) is 'How far the clocks of a time zone are ahead of UTC at an instant.';

-- Where clocks are set back over midnight this one comes twice, and Postgres takes the second; a day begins with the first, which is
-- reckoned with the offset of the day before.
create or replace function partitions.instant(local_time timestamp, time_zone text) returns timestamptz
language sql stable parallel safe
return case
  when (local_time - partitions.utc_offset(local_time at time zone time_zone - interval '24 hours', time_zone)) at time zone 'UTC' at time zone time_zone = local_time
  then least((local_time - partitions.utc_offset(local_time at time zone time_zone - interval '24 hours', time_zone)) at time zone 'UTC', local_time at time zone time_zone)
  else local_time at time zone time_zone
end;
comment on function partitions.instant(timestamp, text) is 'The first instant at which the clocks of a time zone show this, or the next if they skip it.';

create or replace function partitions.step(period text) returns interval
language plpgsql immutable
set search_path = ''
as $$
declare
  length constant interval := case period
    when 'day' then interval '1 day' when 'week' then interval '7 days' when 'month' then interval '1 month'
    when 'quarter' then interval '3 months' when 'year' then interval '1 year'
  end;
begin
  if length is null then
    raise invalid_parameter_value using
      message = format('%s is no period', coalesce(quote_literal(period), 'NULL')), hint = 'Use day, week, month, quarter or year.';
  end if;
  return length;
end
$$;
comment on function partitions.step(text) is 'The length of a period; an error if there is no such period.';

create or replace function partitions.periods(period text, time_zone text, from_at timestamptz, upto timestamptz)
returns table (starts_at timestamptz, ends_at timestamptz, suffix text)
language plpgsql stable
set search_path = ''
as $$
declare
  step constant interval := partitions.step(period);
  pattern constant pg_catalog.text := case period
    when 'day' then '"p"YYYY_MM_DD' when 'week' then '"p"IYYY"w"IW' when 'month' then '"p"YYYY_MM'
    when 'quarter' then '"p"YYYY"q"Q' else '"p"YYYY'
  end;
begin
  if from_at is null or upto is null or not (isfinite(from_at) and isfinite(upto)) then
    raise invalid_parameter_value using
      message = format('there is no end to the periods from %s to %s', coalesce(from_at::pg_catalog.text, 'NULL'), coalesce(upto::pg_catalog.text, 'NULL'));
  end if;
  -- One more at each end, and then what holds one of the instants: clocks may skip a whole day, or show an hour twice.
  return query
    select e.at, e.next_at, to_char(e.local_time, pattern)
    from (
      select series.local_time, edge.at, lead(edge.at) over (order by series.local_time) as next_at
      from generate_series(date_trunc(period, from_at at time zone time_zone) - step, upto at time zone time_zone + 2 * step, step) as series (local_time)
      cross join lateral (select partitions.instant(series.local_time, time_zone) offset 0) as edge (at)
    ) as e
    where e.at < e.next_at and e.next_at > from_at and e.at <= upto
    order by e.local_time;
end
$$;
comment on function partitions.periods(text, text, timestamptz, timestamptz) is
  'The periods from that which holds the one instant to that which holds the other, both included. period: day, week (from Monday, by '
  'ISO 8601), month, quarter, year. suffix: what the name of such a partition ends with.';

revoke execute on function
  partitions.utc_offset(timestamptz, text), partitions.instant(timestamp, text), partitions.step(text), partitions.periods(text, text, timestamptz, timestamptz)
from public;
--! EndIncluded partitions/periods.sql
--! Included partitions/children.sql
-- What there is. Bounds are read as the catalogue has them, whatever made the partitions and however they are called.

create or replace function partitions.key(parent regclass) returns table (name name, type regtype)
language plpgsql stable
set search_path = ''
as $$
declare
  problem pg_catalog.text;
begin
  -- The type that the operator class is for: a domain has none of its own.
  select a.attname, o.opcintype::pg_catalog.regtype,
    case
      when c.oid is null then 'there is no such table'
      when p.partrelid is null then 'it is not partitioned'
      when p.partstrat <> 'r' then 'it is not partitioned by range'
      when p.partnatts > 1 then 'its key has several columns'
      when a.attname is null then 'its key is an expression'
      when o.opcintype not in ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype, 'pg_catalog.timestamptz'::pg_catalog.regtype)
      then format('its key %I is of type %s', a.attname, o.opcintype::pg_catalog.regtype)
    end
  into name, type, problem
  from (select parent) as wanted (oid)
  left join pg_catalog.pg_class as c on c.oid = wanted.oid
  left join pg_catalog.pg_partitioned_table as p on p.partrelid = c.oid
  left join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
  left join pg_catalog.pg_opclass as o on o.oid = p.partclass[0];

  if problem is not null then
    raise wrong_object_type using
      message = format('%s has no partitions by time: %s', coalesce(parent::pg_catalog.text, 'NULL'), problem),
      hint = 'Partitions are kept for tables that are partitioned by range of one column of type date, timestamp or timestamptz.';
  end if;
  return next;
end
$$;
comment on function partitions.key(regclass) is 'The column that a table is partitioned by, and its type; an error if it is not partitioned by range of a time.';

create or replace function partitions.children(parent regclass)
returns table (child regclass, starts_at timestamptz, ends_at timestamptz, is_default boolean, is_detaching boolean)
language plpgsql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  by_date constant pg_catalog.bool := (select k.type = 'pg_catalog.date'::pg_catalog.regtype from partitions.key(parent) as k);
begin
  return query
  select c.oid::pg_catalog.regclass,
    -- A date may lie beyond every timestamp.
    case when bound.found[1] = 'MINVALUE' then '-infinity' when by_date and trim(both '''' from bound.found[1])::pg_catalog.date > '294276-12-31' then 'infinity'
      else trim(both '''' from bound.found[1])::pg_catalog.timestamptz end,
    case when bound.found[2] = 'MAXVALUE' then 'infinity' when by_date and trim(both '''' from bound.found[2])::pg_catalog.date > '294276-12-31' then 'infinity'
      else trim(both '''' from bound.found[2])::pg_catalog.timestamptz end,
    bound.found is null,
    i.inhdetachpending
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid and c.relispartition
  cross join lateral (
    -- FOR VALUES FROM (…) TO (…); DEFAULT. Cut instead of matched, which takes a tenth of the time.
    select case when starts_with(e.expression, 'FOR VALUES FROM (') then string_to_array(substr(e.expression, 18, length(e.expression) - 18), ') TO (') end
    from (select pg_catalog.pg_get_expr(c.relpartbound, c.oid) offset 0) as e (expression)
    offset 0 -- once a partition, not once for each mention
  ) as bound (found)
  where i.inhparent = parent
  order by 2, 1;
end
$$;
comment on function partitions.children(regclass) is
  'The partitions of a table, with their bounds as instants: MINVALUE is -infinity, MAXVALUE infinity, and a date or a timestamp is read as '
  'one in UTC. is_detaching: DETACH CONCURRENTLY was begun and not finished; such a partition still holds its place.';

create or replace function partitions.gaps(parent regclass, from_at timestamptz, upto timestamptz)
returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    select lower(gap), upper(gap)
    from unnest(
      tstzmultirange(tstzrange(from_at, upto))
      - coalesce((select range_agg(tstzrange(c.starts_at, c.ends_at)) from partitions.children(parent) as c where not c.is_default), '{}')
    ) as gap
    order by 1;
end
$$;
comment on function partitions.gaps(regclass, timestamptz, timestamptz) is 'What of [from_at, upto) no partition is for. A DEFAULT partition counts as none.';

create or replace function partitions.own_bounds(parent regclass) returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    with recursive ancestry as (
      select parent::pg_catalog.oid as node, i.inhparent as above from pg_catalog.pg_inherits as i where i.inhrelid = parent
      union all
      select a.above, i.inhparent from ancestry as a join pg_catalog.pg_inherits as i on i.inhrelid = a.above
    )
    select coalesce(max(c.starts_at), '-infinity'), coalesce(min(c.ends_at), 'infinity')
    from ancestry as a
    join pg_catalog.pg_partitioned_table as p on p.partrelid = a.above and p.partstrat = 'r' and p.partnatts = 1
    join pg_catalog.pg_attribute as b on b.attrelid = a.above and b.attnum = p.partattrs[0] and b.attname = (select k.name from partitions.key(parent) as k)
    cross join lateral partitions.children(a.above) as c
    where c.child = a.node and not c.is_default;
end
$$;
comment on function partitions.own_bounds(regclass) is
  'What a table that is a partition itself is for, by the same column: it needs no partitions for more. For any other table all of time.';

revoke execute on function partitions.own_bounds(regclass), partitions.key(regclass), partitions.children(regclass), partitions.gaps(regclass, timestamptz, timestamptz) from public;
--! EndIncluded partitions/children.sql
--! Included partitions/managed.sql
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
--! EndIncluded partitions/managed.sql
--! Included partitions/isolate.sql
-- A partition that is addressed by its own name has neither the row security nor the policies of its parent. So it gets the same, and
-- nobody gets a privilege: it is reached through its parent, which asks for privileges on the parent alone.

create or replace function partitions.renamed(expression text, from_name name, to_name name, columns name[]) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  -- In a subquery the catalogue writes the columns of the table with its name; elsewhere without.
  if expression is null or strpos(expression, quote_ident(from_name) || '.') = 0 then
    return expression;
  end if;
  -- Literals and quoted identifiers are tokens of their own, so that nothing is changed within them; a dot before, a bracket behind or a
  -- word that is no column is something else. The quotes are written as numbers for the sake of tools that count them.
  return (
    select string_agg(
      case when t.token = quote_ident(from_name) and t.next = '.' and t.previous is distinct from '.' and t.opened is distinct from '('
          and (t.column_name = '*' or t.column_name = any (select quote_ident(c) from unnest(columns) as c))
        then quote_ident(to_name) else t.token end, '' order by t.place)
    from (
      select found.token[1] as token, found.place, lag(found.token[1]) over w as previous, lead(found.token[1]) over w as next,
        lead(found.token[1], 2) over w as column_name, lead(found.token[1], 3) over w as opened
      from regexp_matches(expression, $re$(\u0027(?:[^\u0027]|\u0027\u0027)*\u0027|\u0022(?:[^\u0022]|\u0022\u0022)*\u0022|[[:alnum:]_$]+|.)$re$, 'g') with ordinality as found (token, place)
      window w as (order by found.place)
    ) as t
  );
end
$$;
comment on function partitions.renamed(text, name, name, name[]) is 'An expression over a table, as it is over another one with the same columns.';

create or replace function partitions.policies(relation regclass, as_name name default null)
returns table (name name, command "char", permissive boolean, roles text, using_expression text, check_expression text, comment text)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    select p.polname, p.polcmd, p.polpermissive,
      (select string_agg(case when r = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(r)) end, ', ' order by r) from unnest(p.polroles) as r),
      partitions.renamed(pg_catalog.pg_get_expr(p.polqual, p.polrelid), c.relname, coalesce(as_name, c.relname), a.names),
      partitions.renamed(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), c.relname, coalesce(as_name, c.relname), a.names),
      pg_catalog.obj_description(p.oid, 'pg_policy')
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    cross join lateral (
      select array_agg(attname) from pg_catalog.pg_attribute where attrelid = c.oid and not attisdropped
    ) as a (names)
    where p.polrelid = relation;
end
$$;
comment on function partitions.policies(regclass, name) is 'The policies of a table as they read on a table of the same columns with another name.';

create or replace function partitions.isolate(parent regclass, child regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  above pg_catalog.pg_class;
  below pg_catalog.pg_class;
  policy record;
  named record;
begin
  select * into above from pg_catalog.pg_class as c where c.oid = parent;
  select * into below from pg_catalog.pg_class as c where c.oid = child;
  if above.oid is null or below.oid is null then
    raise null_value_not_allowed using message = 'partitions.isolate() needs a table and a partition of it';
  end if;

  -- Only what differs is touched, since each of these statements locks the child.
  for named in
    select distinct case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end as role
    from (
      select below.relacl as acl
      union all
      select a.attacl from pg_catalog.pg_attribute as a where a.attrelid = child and a.attacl is not null
    ) as acls, aclexplode(acls.acl) as g
    where g.grantee <> below.relowner
    order by 1
  loop
    execute format('revoke all on table %s from %s cascade', child, named.role);
  end loop;

  -- A foreign table has no row security; the server that it is on has to see to it.
  if below.relkind in ('r', 'p') then
    -- In this order there is no statement after which a row is open that was not before.
    if above.relrowsecurity and not below.relrowsecurity then
      execute format('alter table %s enable row level security', child);
    end if;
    if above.relforcerowsecurity <> below.relforcerowsecurity then
      execute format('alter table %s %s row level security', child, case when above.relforcerowsecurity then 'force' else 'no force' end);
    end if;
    for policy in select p.name from (select * from partitions.policies(child) except select * from partitions.policies(parent, below.relname)) as p loop
      execute format('drop policy %I on %s', policy.name, child);
    end loop;
    for policy in select * from partitions.policies(parent, below.relname) except select * from partitions.policies(child) loop
      execute format('create policy %I on %s as %s for %s to %s%s%s', policy.name, child,
        case when policy.permissive then 'permissive' else 'restrictive' end,
        case policy.command when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        policy.roles, ' using (' || policy.using_expression || ')', ' with check (' || policy.check_expression || ')');
      if policy.comment is not null then
        execute format('comment on policy %I on %s is %L', policy.name, child, policy.comment);
      end if;
    end loop;
    if below.relrowsecurity and not above.relrowsecurity then
      execute format('alter table %s disable row level security', child);
    end if;
  end if;

  for named in select c.child from pg_catalog.pg_inherits as i, lateral (select i.inhrelid::pg_catalog.regclass) as c (child) where i.inhparent = isolate.child loop
    perform partitions.isolate(child, named.child);
  end loop;
end
$$;
comment on function partitions.isolate(regclass, regclass) is
  'Gives a partition, and what is below it, the row security and the policies of its parent, and takes everybody''s privileges but the '
  'owner''s. May be repeated: it changes what differs. Roles need no privilege on a partition to reach it through its parent.';

revoke execute on function
  partitions.renamed(text, name, name, name[]), partitions.policies(regclass, name), partitions.isolate(regclass, regclass)
from public;
--! EndIncluded partitions/isolate.sql
--! Included partitions/create-child.sql
-- CREATE TABLE … PARTITION OF would lock the parent against every reader and writer. A table that is made beside it and attached afterwards
-- wants SHARE UPDATE EXCLUSIVE, which only maintenance waits for.

create or replace function partitions.free_name(home oid, stem text, suffix text) returns name
language plpgsql stable
set search_path = ''
as $$
declare
  shorter pg_catalog.text := stem;
  ending pg_catalog.text := '_' || suffix;
  attempt integer := 1;
begin
  loop
    -- In bytes, and never half a character. The hash tells apart what would be the same once shortened.
    if octet_length(shorter || ending) > 63 then
      ending := '_' || left(md5(stem), 8) || ending;
      while octet_length(shorter || ending) > 63 loop
        shorter := left(shorter, -1);
      end loop;
    end if;
    -- Types too: a table is one.
    exit when not exists (select from pg_catalog.pg_class where relnamespace = home and relname = shorter || ending)
      and not exists (select from pg_catalog.pg_type where typnamespace = home and typname = shorter || ending);
    attempt := attempt + 1;
    shorter := stem;
    ending := format('_%s_%s', suffix, attempt);
  end loop;
  return shorter || ending;
end
$$;
comment on function partitions.free_name(oid, text, text) is 'stem_suffix, shortened to 63 bytes if need be, with a number if a relation has that name.';

create or replace function partitions.suffix(starts_at timestamptz, ends_at timestamptz, time_zone text) returns text
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    -- Of a part of a period, or of several, both ends.
    select coalesce(
      (
        select p.suffix
        from unnest(array['month', 'day', 'week', 'quarter', 'year']) as period (name)
        cross join lateral partitions.periods(period.name, time_zone, suffix.starts_at, suffix.starts_at) as p
        where isfinite(suffix.starts_at) and p.starts_at = suffix.starts_at and p.ends_at = suffix.ends_at
        limit 1
      ),
      'p' || (
        select string_agg(
          case when not isfinite(at) then 'x' else to_char(at at time zone time_zone, case when (at at time zone time_zone)::time = '0:00' then 'YYYYMMDD' else 'YYYYMMDD"t"HH24MISS' end) end,
          '_' order by place)
        from unnest(array[starts_at, ends_at]) with ordinality as bound (at, place)
      )
    )
  );
end
$$;
comment on function partitions.suffix(timestamptz, timestamptz, text) is 'What the name of a partition with these bounds ends with.';

create or replace function partitions.whole_name(relation regclass) returns text
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = relation
  );
end
$$;
comment on function partitions.whole_name(regclass) is 'schema.table, whatever the search_path is.';

create or replace function partitions.options_clause(options text[]) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select coalesce(' with (' || string_agg(format('%s = %L', o.option_name, o.option_value), ', ') || ')', '') from pg_catalog.pg_options_to_table(options) as o
  );
end
$$;
comment on function partitions.options_clause(text[]) is 'WITH (…) for storage parameters as the catalogue has them.';

create or replace function partitions.child_statements(parent regclass, starts_at timestamptz, ends_at timestamptz)
returns table (child text, statement text)
language plpgsql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  home pg_catalog.text;
  above pg_catalog.pg_class;
  sibling pg_catalog.pg_class;
  below record;
  key record;
  zone pg_catalog.text;
  plain pg_catalog.name;
  sub pg_catalog.text;
  options pg_catalog.text;
  bounds pg_catalog.text[];
  likeness constant pg_catalog.text := 'including defaults including constraints including generated including storage including compression including statistics';
begin
  select * into key from partitions.key(parent);
  if starts_at is null or ends_at is null or starts_at >= ends_at then
    raise invalid_parameter_value using message = format('a partition of %s cannot go from %s to %s', parent, starts_at, ends_at);
  end if;
  select * into above from pg_catalog.pg_class as c where c.oid = parent;
  home := (select quote_ident(n.nspname) from pg_catalog.pg_namespace as n where n.oid = above.relnamespace);
  zone := coalesce((select m.time_zone from partitions.managed as m where m.parent = child_statements.parent),
    case when key.type = 'pg_catalog.timestamptz'::pg_catalog.regtype then (select i.time_zone from partitions.infer_period(parent) as i) end, 'UTC');

  -- What a partition does not have from its parent it has from the one that was made last: how it is stored, and how it is partitioned.
  select c.* into sibling
  from pg_catalog.pg_class as c
  where c.oid = (
    select i.inhrelid
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_partitioned_table as p on p.partrelid = i.inhparent and p.partdefid <> i.inhrelid
    where i.inhparent = parent and not exists (select from pg_catalog.pg_foreign_table as f where f.ftrelid = i.inhrelid)
    order by i.inhrelid desc limit 1);

  plain := partitions.free_name(above.relnamespace, above.relname, partitions.suffix(starts_at, ends_at, zone));
  child := format('%s.%I', home, plain);
  options := coalesce((select format(' using %I', m.amname) from pg_catalog.pg_am as m where m.oid = sibling.relam and sibling.relkind = 'r' and m.amname <> current_setting('default_table_access_method')), '')
    || case when sibling.relkind = 'r' then partitions.options_clause(sibling.reloptions) else '' end
    || coalesce((select format(' tablespace %I', t.spcname) from pg_catalog.pg_tablespace as t
      where t.oid = coalesce(nullif(above.reltablespace, 0), nullif(sibling.reltablespace, 0))), '');
  bounds := array(
    select case when at = '-infinity' then 'minvalue' when at = 'infinity' then 'maxvalue' else quote_literal(case key.type
        when 'pg_catalog.timestamptz'::pg_catalog.regtype then at::pg_catalog.text
        when 'pg_catalog.date'::pg_catalog.regtype then (at at time zone 'UTC')::pg_catalog.date::pg_catalog.text
        else (at at time zone 'UTC')::pg_catalog.text end) end
    from unnest(array[starts_at, ends_at]) with ordinality as bound (at, place) order by place);

  statement := format('create %stable %s (like %s %s%s)%s',
    case when sibling.relpersistence = 'u' then 'unlogged ' end, child, partitions.whole_name(parent), likeness,
    -- Once detached it says what is in it, and can be attached again without being read.
    ', check (' || array_to_string(array[format('%I is not null', key.name)]
      || case when isfinite(starts_at) then format('%I >= %s', key.name, bounds[1]) end
      || case when isfinite(ends_at) then format('%I < %s', key.name, bounds[2]) end, ' and ') || ')',
    case when sibling.relkind = 'p' then ' partition by ' || pg_catalog.pg_get_partkeydef(sibling.oid) else options end);
  return next;

  if sibling.relkind = 'p' then
    if exists (select from pg_catalog.pg_partitioned_table as p where p.partrelid = sibling.oid and p.partstrat = 'r') then
      raise feature_not_supported using
        message = format('the partitions of %s are partitioned by range themselves', parent),
        hint = 'Make the partition yourself: what it is divided into does not follow from the others.';
    end if;
    for below in
      select c.oid, c.relname, c.relkind, c.reloptions, row_number() over (order by c.relname) as place, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_catalog.pg_inherits as i join pg_catalog.pg_class as c on c.oid = i.inhrelid where i.inhparent = sibling.oid order by c.relname
    loop
      if below.relkind <> 'r' then
        raise feature_not_supported using
          message = format('%s is no plain table', below.oid::pg_catalog.regclass), hint = 'Make the partition yourself: three levels are not followed.';
      end if;
      sub := format('%s.%I', home, partitions.free_name(above.relnamespace, plain,
        case when starts_with(below.relname, sibling.relname || '_') then substr(below.relname, length(sibling.relname) + 2) else below.place::pg_catalog.text end));
      statement := format('create table %s (like %s %s)%s', sub, child, likeness, partitions.options_clause(below.reloptions));
      return next;
      statement := format('alter table %s attach partition %s %s', child, sub, below.bound);
      return next;
    end loop;
  end if;

  if pg_catalog.pg_get_userbyid(above.relowner) <> current_user then
    statement := format('alter table %s owner to %I', child, pg_catalog.pg_get_userbyid(above.relowner));
    return next;
  end if;
  statement := format('select partitions.isolate(%L, %L)', partitions.whole_name(parent), child);
  return next;
  statement := format('alter table %s attach partition %s for values from (%s) to (%s)', partitions.whole_name(parent), child, bounds[1], bounds[2]);
  return next;
  -- Of this each partition has its own.
  if above.relreplident <> 'd' then
    statement := format('select partitions.follow_replica_identity(%L, %L)', partitions.whole_name(parent), child);
    return next;
  end if;
end
$$;
comment on function partitions.child_statements(regclass, timestamptz, timestamptz) is
  'What makes a partition with these bounds, in order and in one transaction; child: its name. Changes nothing.';

create or replace function partitions.follow_replica_identity(parent regclass, child regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
  identity constant "char" := (select c.relreplident from pg_catalog.pg_class as c where c.oid = parent);
  own_index pg_catalog.name;
begin
  select c.relname into own_index
  from pg_catalog.pg_index as above
  join pg_catalog.pg_inherits as i on i.inhparent = above.indexrelid
  join pg_catalog.pg_index as below on below.indexrelid = i.inhrelid and below.indrelid = child
  join pg_catalog.pg_class as c on c.oid = below.indexrelid
  where above.indrelid = parent and above.indisreplident;

  execute format('alter table %s replica identity %s', child,
    case identity when 'f' then 'full' when 'n' then 'nothing' when 'i' then format('using index %I', own_index) else 'default' end);
end
$$;
comment on function partitions.follow_replica_identity(regclass, regclass) is 'Makes the replica identity of a partition that of its parent.';

create or replace function partitions.lock(parent regclass) returns void
language sql
set search_path = ''
as $$ select pg_advisory_xact_lock((1885434484::pg_catalog.int8 << 32) | parent::pg_catalog.oid::pg_catalog.int8) $$;
comment on function partitions.lock(regclass) is 'Until the transaction ends nobody else makes or removes partitions of this table with these functions.';

create or replace function partitions.create_child(parent regclass, starts_at timestamptz, ends_at timestamptz) returns regclass
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  step record;
begin
  perform partitions.lock(parent);
  for step in select s.child, s.statement from partitions.child_statements(parent, starts_at, ends_at) as s loop
    execute step.statement;
  end loop;
  return step.child::pg_catalog.regclass;
end
$$;
comment on function partitions.create_child(regclass, timestamptz, timestamptz) is
  'Makes a partition beside its parent, isolates it, attaches it. The parent is locked in SHARE UPDATE EXCLUSIVE mode until the transaction '
  'ends; tables that it references, or that reference it, in SHARE ROW EXCLUSIVE mode.';

revoke execute on function
  partitions.free_name(oid, text, text), partitions.suffix(timestamptz, timestamptz, text), partitions.whole_name(regclass),
  partitions.options_clause(text[]), partitions.follow_replica_identity(regclass, regclass), partitions.child_statements(regclass, timestamptz, timestamptz), partitions.lock(regclass),
  partitions.create_child(regclass, timestamptz, timestamptz)
from public;
--! EndIncluded partitions/create-child.sql
--! Included partitions/ensure.sql
-- Partitions ahead of time. Bounds decide what is missing, never names, so that it does no harm to ask twice, or at once.

create or replace function partitions.missing(parent regclass, upto timestamptz default null)
returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
declare
  known constant partitions.managed := partitions.settings(parent);
  last_at constant timestamp with time zone := coalesce(upto,
    partitions.instant(date_trunc(known.period, now() at time zone known.time_zone) + known.premake * partitions.step(known.period), known.time_zone));
begin
  return query
    with wanted as materialized (
      select tstzmultirange(tstzrange(g.starts_at, g.ends_at)) as open
      from partitions.own_bounds(parent) as own
      cross join lateral partitions.gaps(parent, least(greatest(own.starts_at, now() - partitions.step(known.period) - interval '2 days'), own.ends_at), own.ends_at) as g
    )
    select lower(piece), upper(piece)
    from partitions.periods(known.period, known.time_zone, now(), greatest(last_at, now())) as p
    cross join wanted as w
    cross join lateral unnest(w.open * tstzmultirange(tstzrange(p.starts_at, p.ends_at))) as piece
    order by 1;
end
$$;
comment on function partitions.missing(regclass, timestamptz) is
  'The partitions that there have to be, from the current period to that which holds upto, and are not. NULL: as many periods as are made ahead for this table.';

create or replace function partitions.overdue(only_parent regclass default null)
returns table (parent text, starts_at timestamptz, ends_at timestamptz, problem text)
language plpgsql stable
set search_path = ''
as $$
declare
  wanted record;
begin
  for wanted in
    select coalesce(partitions.whole_name(t.parent), t.parent::pg_catalog.text) as name, t.parent as relation
    from (select m.parent from partitions.managed as m where only_parent is null union all select only_parent where only_parent is not null) as t
    order by 1
  loop
    -- One table that is not what it was must not keep the others from having theirs.
    begin
      return query select wanted.name, m.starts_at, m.ends_at, null::pg_catalog.text from partitions.missing(wanted.relation) as m;
    exception when others then
      return query select wanted.name, null::pg_catalog.timestamptz, null::pg_catalog.timestamptz, sqlerrm;
    end;
  end loop;
end
$$;
comment on function partitions.overdue(regclass) is
  'The partitions that are missing of all tables that are kept up, or of one table; problem: why it cannot be told for this table.';

create or replace function partitions.fill(parent regclass, starts_at timestamptz, ends_at timestamptz) returns setof regclass
language plpgsql
set search_path = ''
as $$
declare
  gap record;
begin
  -- Whoever was first has made them: so look after it has the lock.
  perform partitions.lock(parent);
  for gap in select * from partitions.gaps(parent, starts_at, ends_at) loop
    return next partitions.create_child(parent, gap.starts_at, gap.ends_at);
  end loop;
end
$$;
comment on function partitions.fill(regclass, timestamptz, timestamptz) is 'Makes partitions for what of [starts_at, ends_at) has none: one, if all of it has none.';

create or replace function partitions.ensure(parent regclass, upto timestamptz default null) returns setof regclass
language plpgsql
set search_path = ''
as $$
declare
  period record;
begin
  perform partitions.lock(parent);
  for period in select * from partitions.missing(parent, upto) loop
    return query select * from partitions.fill(parent, period.starts_at, period.ends_at);
  end loop;
end
$$;
comment on function partitions.ensure(regclass, timestamptz) is
  'Makes the partitions that are missing from the current period to that which holds upto; NULL: as many periods as are made ahead for this '
  'table. In one transaction: harness partitions ensure takes one for each.';

revoke execute on function
  partitions.missing(regclass, timestamptz), partitions.overdue(regclass), partitions.fill(regclass, timestamptz, timestamptz), partitions.ensure(regclass, timestamptz)
from public;
--! EndIncluded partitions/ensure.sql
--! Included partitions/expire.sql
-- Partitions that have expired. DETACH … CONCURRENTLY cannot run inside a function, nor in a transaction with anything else: so what is to
-- become of a partition is written down before it is detached, and whoever comes after a crash reads it and goes on.

create table if not exists partitions.detached (
  child regclass primary key,
  child_name text not null,
  parent_name text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  action text not null check (action in ('detach', 'archive', 'drop')),
  archive_schema name,
  decided_at timestamptz not null default now(),
  settled_at timestamptz
);
comment on table partitions.detached is 'Partitions that have been detached, or are about to be, until they are dropped.';
comment on column partitions.detached.child_name is 'Checked before anything is dropped: after all, a number may be given to another table.';
comment on column partitions.detached.action is 'What was decided. detach: stays where it is. archive: moves to archive_schema. drop: is dropped.';
comment on column partitions.detached.settled_at is 'When that was done. NULL: not yet.';

revoke all on table partitions.detached from public;

create or replace function partitions.expired(parent regclass, older_than interval default null)
returns table (child regclass, starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
declare
  known partitions.managed;
  zone pg_catalog.text;
  cutoff timestamp with time zone;
begin
  select * into known from partitions.managed as m where m.parent = expired.parent;
  if older_than is not null and older_than <= '0' then
    raise invalid_parameter_value using message = 'rows have to be kept for some time', hint = 'Give an interval such as 12 months.';
  end if;
  zone := coalesce(known.time_zone,
    case when (select k.type from partitions.key(parent) as k) = 'pg_catalog.timestamptz'::pg_catalog.regtype then (select i.time_zone from partitions.infer_period(parent) as i) end, 'UTC');
  -- Back by the calendar of the time zone: a month ago is this day of last month.
  cutoff := (now() at time zone zone - coalesce(older_than, known.retention)) at time zone zone;
  return query
    select c.child, c.starts_at, c.ends_at from partitions.children(parent) as c where not c.is_default and c.ends_at <= cutoff order by c.ends_at;
end
$$;
comment on function partitions.expired(regclass, interval) is
  'The partitions all of whose bounds lie further back than rows are kept; older_than instead of the retention that is kept up. Oldest first.';

-- Where a partition is on its way out.
create or replace function partitions.state_of(child regclass) returns text
language sql stable
set search_path = ''
as $$
  select coalesce((
    select case when not c.relispartition then 'detached' when coalesce(i.inhdetachpending, false) then 'detaching' else 'attached' end
    from pg_catalog.pg_class as c left join pg_catalog.pg_inherits as i on i.inhrelid = c.oid
    where c.oid = child), 'gone')
$$;
comment on function partitions.state_of(regclass) is 'attached, detaching (DETACH CONCURRENTLY was begun and not finished), detached, gone.';

create or replace function partitions.detach_statement(parent regclass, child regclass, online boolean default true) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  catch_all constant pg_catalog.regclass := (select c.child from partitions.children(parent) as c where c.is_default);
  unseen constant pg_catalog.regclass := (
    select c.conrelid from pg_catalog.pg_constraint as c
    where c.contype = 'f' and c.confrelid = parent and row_security_active(c.conrelid)
    order by c.conrelid limit 1);
begin
  -- DETACH looks for rows that refer to the partition as whoever runs it, and finds none that row security hides.
  if unseen is not null and partitions.state_of(child) = 'attached' then
    raise object_not_in_prerequisite_state using
      message = format('%s refers to %s, and row security hides its rows from %s: DETACH would not see those that refer to the partition', unseen, parent, current_user),
      hint = format('Use a role that bypasses row security; or, while you detach: alter table %s no force row level security, and force it again.', partitions.whole_name(unseen));
  end if;
  if online and catch_all is not null and partitions.state_of(child) = 'attached' then
    raise object_not_in_prerequisite_state using
      message = format('%s has a DEFAULT partition, %s: beside one nothing can be detached concurrently', parent, catch_all),
      hint = 'Give the rows in it partitions of their own and drop it; or take a short lock that readers and writers wait for: --no-concurrently.';
  end if;
  return format('alter table %s detach partition %s%s', partitions.whole_name(parent), partitions.whole_name(child),
    case partitions.state_of(child) when 'detaching' then ' finalize' else case when online then ' concurrently' else '' end end);
end
$$;
comment on function partitions.detach_statement(regclass, regclass, boolean) is 'What detaches a partition, or finishes doing so; an error if it cannot be done concurrently.';

create or replace function partitions.has_foreign_keys(relation regclass) returns boolean
language sql stable
set search_path = ''
as $$ select exists (select from pg_catalog.pg_constraint as c where c.contype = 'f' and relation in (c.conrelid, c.confrelid)) $$;
comment on function partitions.has_foreign_keys(regclass) is
  'Whether it refers to other tables or they to it. Then DETACH locks these too, so that their writers queue while it waits: it must not wait for long.';

create or replace function partitions.decide(parent regclass, child regclass, action text, archive_schema name default null) returns void
language plpgsql
set search_path = ''
as $$
declare
  bounds record;
begin
  perform partitions.lock(parent);
  select * into bounds from partitions.children(parent) as c where c.child = decide.child and not c.is_default;
  if bounds.child is null then
    raise undefined_object using message = format('%s is no partition of %s', child, parent);
  end if;
  -- From now on its own row security is all that it has.
  perform partitions.isolate(parent, child);
  insert into partitions.detached as d (child, child_name, parent_name, starts_at, ends_at, action, archive_schema)
  values (child, partitions.whole_name(child), partitions.whole_name(parent), bounds.starts_at, bounds.ends_at, action, archive_schema)
  on conflict on constraint detached_pkey do update
    set child_name = excluded.child_name, parent_name = excluded.parent_name, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
      action = excluded.action, archive_schema = excluded.archive_schema, decided_at = excluded.decided_at, settled_at = null;
end
$$;
comment on function partitions.decide(regclass, regclass, text, name) is
  'Writes down what is to become of a partition once it is detached. To be committed before it is.';

create or replace function partitions.settle(child regclass, at_most text default 'drop') returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  decided partitions.detached;
  milder pg_catalog.text;
  home pg_catalog.text;
  plain constant pg_catalog.name := (select c.relname from pg_catalog.pg_class as c where c.oid = child);
begin
  select * into decided from partitions.detached as d where d.child = settle.child and d.settled_at is null for update;
  if decided.child is null then
    return case when partitions.state_of(child) = 'gone' then 'gone' end;
  end if;
  if plain is null or partitions.whole_name(child) <> decided.child_name then
    delete from partitions.detached as d where d.child = settle.child;
    return 'gone';
  end if;
  if partitions.state_of(child) <> 'detached' then
    return partitions.state_of(child);
  end if;

  -- Who changed their mind since gets the milder of both.
  select a.action into milder
  from unnest(array['detach', 'archive', 'drop']) with ordinality as a (action, place)
  where a.action in (decided.action, at_most) order by a.place limit 1;

  if milder = 'drop' then
    execute format('drop table %s', partitions.whole_name(child));
    delete from partitions.detached as d where d.child = settle.child;
    return milder;
  end if;
  if milder = 'archive' then
    home := quote_ident(coalesce(decided.archive_schema, 'archive'));
    execute format('create schema if not exists %s', home);
    if to_regclass(format('%s.%I', home, plain)) is not null then
      execute format('alter table %s rename to %I', partitions.whole_name(child),
        partitions.free_name(to_regnamespace(home), plain, to_char(now(), 'YYYYMMDD"t"HH24MISS')));
    end if;
    execute format('alter table %s set schema %s', partitions.whole_name(child), home);
  end if;
  update partitions.detached as d set settled_at = now(), action = milder, child_name = partitions.whole_name(d.child) where d.child = settle.child;
  return milder;
end
$$;
comment on function partitions.settle(regclass, text) is
  'Does with a detached partition what was decided, but no more than at_most, and returns what it did; if it is not detached, where it is. '
  'A partition that is not in partitions.detached, or has another name there, is left alone.';

create or replace function partitions.undecide(child regclass) returns void
language sql
set search_path = ''
as $$
  delete from partitions.detached as d where d.child = undecide.child and d.settled_at is null and partitions.state_of(d.child) in ('attached', 'gone')
$$;
comment on function partitions.undecide(regclass) is 'Forgets what was decided of a partition that could not be detached.';

create or replace function partitions.unsettled(only_parent text default null)
returns table (child regclass, child_name text, parent_name text, starts_at timestamptz, ends_at timestamptz, action text, state text)
language sql stable
set search_path = ''
as $$
  select d.child, d.child_name, d.parent_name, d.starts_at, d.ends_at, d.action, partitions.state_of(d.child)
  from partitions.detached as d
  where d.settled_at is null and (only_parent is null or d.parent_name = only_parent)
  union
  -- Half detached by somebody else.
  select c.oid::pg_catalog.regclass, partitions.whole_name(c.oid), partitions.whole_name(i.inhparent), null, null, 'detach', 'detaching'
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid
  join pg_catalog.pg_class as p on p.oid = i.inhparent and pg_catalog.pg_has_role(p.relowner, 'usage')
  where i.inhdetachpending and partitions.whole_name(i.inhparent) = coalesce(only_parent, partitions.whole_name(i.inhparent))
    and not exists (select from partitions.detached as d where d.child = c.oid and d.settled_at is null)
  order by 3, 4
$$;
comment on function partitions.unsettled(text) is 'Partitions that an interrupted run left half detached, or detached and nothing more; of all tables, or of one (schema.table).';

create or replace function partitions.forget_gone() returns void
language sql
set search_path = ''
as $$ delete from partitions.detached as d where partitions.state_of(d.child) = 'gone' $$;
comment on function partitions.forget_gone() is 'Forgets partitions that somebody has dropped since.';

revoke execute on function
  partitions.expired(regclass, interval), partitions.state_of(regclass), partitions.detach_statement(regclass, regclass, boolean),
  partitions.has_foreign_keys(regclass), partitions.decide(regclass, regclass, text, name), partitions.settle(regclass, text), partitions.undecide(regclass),
  partitions.unsettled(text), partitions.forget_gone()
from public;
--! EndIncluded partitions/expire.sql
--! Included partitions/dependents.sql
-- What refers to a table by its identity and not by its name: it would go on to refer to the old table once another one has the name. Where
-- the catalogue can write such an object down, the same text makes it again, read after the exchange; everything else is refused, also
-- what nobody has thought of.

create or replace function partitions.dependents(source regclass)
returns table (object text, statement text, reason text, hint text)
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  -- In PL/pgSQL, whose plan is kept for the session: the swap asks this under its lock.
  return query
  with found as (
    select distinct d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = source
  ), views as (
    select c.oid, c.relkind, c.relname, n.nspname, c.relowner, c.reloptions, r.rulename
    from found as f
    join pg_catalog.pg_rewrite as r on r.oid = f.objid
    join pg_catalog.pg_class as c on c.oid = r.ev_class
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where f.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and c.oid <> source
  )
  select format('view %I.%I', v.nspname, v.relname),
    format('create or replace view %I.%I%s as %s', v.nspname, v.relname,
      (select ' with (' || string_agg(format('%I = %L', o.option_name, o.option_value), ', ') || ')' from pg_catalog.pg_options_to_table(v.reloptions) as o),
      pg_catalog.pg_get_viewdef(v.oid)),
    case when not pg_has_role(v.relowner, 'usage') then 'it reads the table, and belongs to another role' end,
    format('Become a member of %I, or drop the view meanwhile.', pg_catalog.pg_get_userbyid(v.relowner))
  from views as v where v.relkind = 'v' and v.rulename = '_RETURN'
  union all
  select format('materialized view %I.%I', v.nspname, v.relname), null, 'it reads the table, and cannot be redefined in place',
    'Drop it before, and create it again afterwards.'
  from views as v where v.relkind = 'm'
  union all
  select format('rule %I on %I.%I', v.rulename, v.nspname, v.relname), null, 'it refers to the table', 'Drop it: a trigger does the same.'
  from views as v where v.relkind <> 'm' and v.rulename <> '_RETURN'
  union all
  select format('function %s', p.oid::pg_catalog.regprocedure), pg_catalog.pg_get_functiondef(p.oid),
    case when not pg_has_role(p.proowner, 'usage') then 'its body refers to the table, and it belongs to another role' end,
    format('Become a member of %I, or drop the function meanwhile.', pg_catalog.pg_get_userbyid(p.proowner))
  from found as f join pg_catalog.pg_proc as p on p.oid = f.objid
  where f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.prokind in ('f', 'p')
  union all
  select format('policy %I on %s', p.polname, p.polrelid::pg_catalog.regclass),
    case when p.polrelid <> source then
      format('alter policy %I on %s', p.polname, p.polrelid::pg_catalog.regclass)
        || coalesce(' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') end,
    case
      when p.polrelid = source then 'it reads the table that it is on'
      when not pg_has_role(c.relowner, 'usage') then 'it reads the table, and is on a table of another role'
    end,
    case when p.polrelid = source then 'Put the question into a function that the policy calls.'
      else format('Become a member of %I.', pg_catalog.pg_get_userbyid(c.relowner)) end
  from found as f join pg_catalog.pg_policy as p on p.oid = f.objid join pg_catalog.pg_class as c on c.oid = p.polrelid
  where f.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
    -- Every policy depends on its own table; only the expression says whether it also reads it.
    and (p.polrelid <> source or concat(p.polqual, p.polwithcheck) ~ (':relid ' || source::pg_catalog.oid || '\M'))
  union all
  select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), null, 'it uses the row type of the table',
    'Name the columns instead, or use a type of its own.'
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid = source
  join pg_catalog.pg_type as t on t.oid = c.reltype
  where d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.refobjid in (t.oid, t.typarray)
    and not (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.typarray)
  union all
  select pg_catalog.pg_describe_object(f.classid, f.objid, 0), null, 'it depends on the table in a way that is not carried over', 'Drop it meanwhile.'
  from found as f
  where case f.classid
    when 'pg_catalog.pg_rewrite'::pg_catalog.regclass then false
    when 'pg_catalog.pg_policy'::pg_catalog.regclass then false
    when 'pg_catalog.pg_type'::pg_catalog.regclass then false
    when 'pg_catalog.pg_publication_rel'::pg_catalog.regclass then false
    when 'pg_catalog.pg_constraint'::pg_catalog.regclass then false
    when 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass then false
    when 'pg_catalog.pg_attrdef'::pg_catalog.regclass then not exists (select from pg_catalog.pg_attrdef as a where a.oid = f.objid and a.adrelid = source)
    when 'pg_catalog.pg_trigger'::pg_catalog.regclass then not exists (select from pg_catalog.pg_trigger as t where t.oid = f.objid and t.tgrelid = source)
    when 'pg_catalog.pg_proc'::pg_catalog.regclass then not exists (select from pg_catalog.pg_proc as p where p.oid = f.objid and p.prokind in ('f', 'p'))
    when 'pg_catalog.pg_class'::pg_catalog.regclass then not exists (
      -- Its indexes, its TOAST table, the sequences of its columns; heirs are told elsewhere.
      select from pg_catalog.pg_class as c where c.oid = f.objid and c.relkind in ('i', 't', 'S')
        or c.oid = f.objid and exists (select from pg_catalog.pg_inherits as i where i.inhrelid = c.oid and i.inhparent = source))
    else true
  end;
end
$$;
comment on function partitions.dependents(regclass) is
  'What refers to a table by its identity. statement makes it refer to whatever has the name when it runs; without one, or with a reason, the '
  'object stands in the way.';

-- The catalogue does not know what rows name a table.
create or replace function partitions.rows_that_name(source regclass) returns table (object text)
language plpgsql stable
set search_path = ''
as $$
declare
  place record;
  found_one boolean;
begin
  for place in
    select c.oid::pg_catalog.regclass as relation, a.attname
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where a.atttypid = 'pg_catalog.regclass'::pg_catalog.regtype and not a.attisdropped and n.nspname not in ('partitions', 'pg_catalog', 'information_schema')
      and n.nspname !~ '^pg_(toast|temp)' and has_table_privilege(c.oid, 'select')
    order by 1, 2
  loop
    execute format('select exists (select from %s where %I = $1)', partitions.whole_name(place.relation), place.attname) into found_one using source;
    if found_one then
      object := format('column %I of %s', place.attname, partitions.whole_name(place.relation));
      return next;
    end if;
  end loop;
end
$$;
comment on function partitions.rows_that_name(regclass) is 'Columns of type regclass in which a row names the table: they would go on to name the old one. As far as this role may read.';

revoke execute on function partitions.dependents(regclass), partitions.rows_that_name(regclass) from public;
--! EndIncluded partitions/dependents.sql
--! Included partitions/build-parent.sql
-- An empty partitioned table like one that is not partitioned. It is made in a schema of its own under the same name, so that all that
-- belongs to it has its final name from the beginning: the exchange of the two tables is an exchange of their schemas.

create or replace function partitions.with_key(definition text, key name) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  depth integer := 0;
  quoted pg_catalog.text := '';
  c pg_catalog.text;
begin
  -- At the end of the first list in brackets; what is in quotes is no bracket.
  for i in 1 .. length(definition) loop
    c := substr(definition, i, 1);
    if quoted <> '' then
      quoted := case when c = quoted then '' else quoted end;
    elsif c in ('''', '"') then
      quoted := c;
    elsif c = '(' then
      depth := depth + 1;
    elsif c = ')' then
      depth := depth - 1;
      if depth = 0 then
        return left(definition, i - 1) || ', ' || quote_ident(key) || substr(definition, i);
      end if;
    end if;
  end loop;
  raise invalid_parameter_value using message = format('%L has no list in brackets', definition);
end
$$;
comment on function partitions.with_key(text, name) is 'The definition of an index or a key with one more column.';

create or replace function partitions.extended_name(index name) returns name
language sql immutable
set search_path = ''
as $$
  select case when octet_length(index::text) <= 51 then index || '_partitioned' else left(index::text, 30) || '_' || left(md5(index::text), 8) || '_partitioned' end
$$;
comment on function partitions.extended_name(name) is 'How an index with the partition key is called while the one without it is there.';

create or replace function partitions.is_extended(index name) returns boolean
language sql immutable
set search_path = ''
as $$ select right(index::text, 12) = '_partitioned' $$;
comment on function partitions.is_extended(name) is 'Whether an index is called like one that a conversion builds.';

create or replace function partitions.renamed_part(name name, from_name name, to_name name) returns name
language sql immutable
set search_path = ''
as $$
  -- Shortened with a hash, where it would be too long.
  select case when octet_length(w.wanted) <= 63 then w.wanted else left(w.wanted, 24) || '_' || left(md5(w.wanted), 8) end
  from (
    select case when starts_with(name::text, from_name || '_') then to_name || substr(name::text, length(from_name::text) + 1) else to_name || '_' || name end
  ) as w (wanted)
$$;
comment on function partitions.renamed_part(name, name, name) is 'The name of what belongs to a table, such as an index, when the table gets another name.';

create or replace function partitions.key_definitions(source regclass, key name)
returns table (index regclass, name name, kind "char", body text, extended boolean, comment text, constraint_name name)
language sql stable
set search_path = ''
as $$
  select i.indexrelid, c.relname, coalesce(k.contype, case when i.indisunique then 'U' else 'i' end::pg_catalog."char"),
    case when i.indisunique and coalesce(k.contype <> 'x', true) and not a.attnum = any (i.indkey[0:i.indnkeyatts - 1]) then partitions.with_key(d.body, key) else d.body end,
    i.indisunique and coalesce(k.contype <> 'x', true) and not a.attnum = any (i.indkey[0:i.indnkeyatts - 1]),
    coalesce(pg_catalog.obj_description(k.oid, 'pg_constraint'), pg_catalog.obj_description(c.oid, 'pg_class')), k.conname
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attname = key
  left join pg_catalog.pg_constraint as k on k.conindid = c.oid and k.conrelid = source and k.contype in ('p', 'u', 'x')
  cross join lateral (
    select coalesce(pg_catalog.pg_get_constraintdef(k.oid),
      -- What follows CREATE INDEX name ON table.
      substr(pg_catalog.pg_get_indexdef(c.oid),
        length(format('create %sindex %I on %s ', case when i.indisunique then 'unique ' else '' end, c.relname, partitions.whole_name(source))) + 1))
  ) as d (body)
  where i.indrelid = source and i.indisvalid and not partitions.is_extended(c.relname)
  order by c.relname
$$;
comment on function partitions.key_definitions(regclass, name) is
  'The indexes and keys of a table as a table partitioned by the column has them. kind: p, u, x as in pg_constraint; U: a unique index that is '
  'no constraint, i: another index. extended: the column was added to it.';

create or replace function partitions.run(statements text[]) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  statement pg_catalog.text;
begin
  foreach statement in array coalesce(statements, '{}') loop
    execute statement;
  end loop;
end
$$;
comment on function partitions.run(text[]) is 'Runs statements, one after the other.';

create or replace function partitions.close_table(relation regclass) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform partitions.run(array(
    select distinct format('revoke all on table %s from %s cascade', partitions.whole_name(relation),
      case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end)
    from pg_catalog.pg_class as c
    cross join lateral (
      select c.relacl union all select a.attacl from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attacl is not null
    ) as acls (acl)
    cross join aclexplode(acls.acl) as g
    where c.oid = relation and g.grantee <> c.relowner));
end
$$;
comment on function partitions.close_table(regclass) is 'Takes everybody''s privileges on a table but its owner''s, also those that came by default.';

create or replace function partitions.build_parent(source regclass, key name, new_name text, extend_keys boolean default false) returns regclass
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  home constant pg_catalog.name := (select n.nspname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = source);
  old_name constant pg_catalog.name := (select relname from pg_catalog.pg_class where oid = source);
  parts constant pg_catalog.text[] := parse_ident(new_name);
  new_home constant pg_catalog.name := case cardinality(parts) when 1 then home else parts[1] end;
  plain constant pg_catalog.name := parts[cardinality(parts)];
  whole constant pg_catalog.text := format('%I.%I', new_home, plain);
  relation pg_catalog.pg_class;
  parent regclass;
  obstacle record;
  k record;
begin
  for obstacle in select * from partitions.blockers(source, key, extend_keys, 'rebuild') as b limit 1 loop
    raise object_not_in_prerequisite_state using
      message = format('%s cannot be partitioned: %s: %s', source, obstacle.object, obstacle.reason), hint = obstacle.hint;
  end loop;
  select * into relation from pg_catalog.pg_class as c where c.oid = source;

  execute format(
    'create table %s (like %s including defaults including generated including storage including compression including comments including constraints) partition by range (%I)%s',
    whole, partitions.whole_name(source), key,
    (select format(' tablespace %I', t.spcname) from pg_catalog.pg_tablespace as t where t.oid = relation.reltablespace));
  parent := whole::pg_catalog.regclass;
  if relation.relowner <> current_user::pg_catalog.regrole then
    execute format('alter table %s owner to %I', whole, pg_catalog.pg_get_userbyid(relation.relowner));
  end if;
  -- By default privileges it may have been born with some.
  perform partitions.close_table(parent);

  perform partitions.run(array(
    select format('alter table only %s alter column %I set statistics %s', whole, a.attname, a.attstattarget)
    from pg_catalog.pg_attribute as a where a.attrelid = source and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0
    union all
    select format('alter table only %s alter column %I set (%s)', whole, a.attname, array_to_string(a.attoptions, ', '))
    from pg_catalog.pg_attribute as a where a.attrelid = source and a.attnum > 0 and not a.attisdropped and a.attoptions is not null));

  for k in
    select d.*, case when new_home = home then partitions.renamed_part(d.name, old_name, plain) else d.name end as new_index
    from partitions.key_definitions(source, key) as d
  loop
    if k.kind in ('p', 'u', 'x') then
      execute format('alter table %s add constraint %I %s', whole, k.new_index, k.body);
      if k.comment is not null then
        execute format('comment on constraint %I on %s is %L', k.new_index, whole, k.comment);
      end if;
    else
      execute format('create %sindex %I on %s %s', case k.kind when 'U' then 'unique ' else '' end, k.new_index, whole, k.body);
      if k.comment is not null then
        execute format('comment on index %I.%I is %L', new_home, k.new_index, k.comment);
      end if;
    end if;
  end loop;

  perform partitions.run(array(
    select s.statement
    from pg_catalog.pg_statistic_ext as x
    cross join lateral (
      select format('%I.%I', new_home, case when new_home = home then partitions.renamed_part(x.stxname, old_name, plain) else x.stxname end),
        pg_catalog.pg_get_statisticsobjdef(x.oid), format('create statistics %I.%I', x.stxnamespace::pg_catalog.regnamespace::pg_catalog.name, x.stxname),
        ' FROM ' || partitions.whole_name(source)
    ) as d (name, definition, head, tail)
    cross join lateral (values
      (1, 'create statistics ' || d.name || left(substr(d.definition, length(d.head) + 1), -length(d.tail)) || ' from ' || whole),
      (2, (select format('comment on statistics %s is %L', d.name, pg_catalog.obj_description(x.oid, 'pg_statistic_ext'))
        where pg_catalog.obj_description(x.oid, 'pg_statistic_ext') is not null)),
      (3, (select format('alter statistics %s set statistics %s', d.name, x.stxstattarget) where x.stxstattarget >= 0)),
      (4, (select format('alter statistics %s owner to %I', d.name, pg_catalog.pg_get_userbyid(x.stxowner)) where x.stxowner <> current_user::pg_catalog.regrole))
    ) as s (place, statement)
    where x.stxrelid = source and s.statement is not null
    order by x.stxname, s.place));

  -- Row security without FORCE: who fills the table is its owner, and nobody else has any privilege. FORCE comes at the exchange.
  if relation.relrowsecurity then
    execute format('alter table %s enable row level security', whole);
  end if;
  perform partitions.run(array(
    select s.statement
    from partitions.policies(source, plain) as p
    cross join lateral (values
      (1, format('create policy %I on %s as %s for %s to %s%s%s', p.name, whole, case when p.permissive then 'permissive' else 'restrictive' end,
        case p.command when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        p.roles, ' using (' || p.using_expression || ')', ' with check (' || p.check_expression || ')')),
      (2, (select format('comment on policy %I on %s is %L', p.name, whole, p.comment) where p.comment is not null))
    ) as s (place, statement)
    where s.statement is not null order by p.name, s.place));

  if relation.relreplident in ('f', 'n') then
    execute format('alter table %s replica identity %s', whole, case relation.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
  -- Last, since each locks the table that it refers to against writers until the transaction ends.
  perform partitions.run(array(
    select s.statement
    from pg_catalog.pg_constraint as c
    cross join lateral (values
      (format('alter table %s add constraint %I %s', whole, c.conname, pg_catalog.pg_get_constraintdef(c.oid))),
      (format('comment on constraint %I on %s is %L', c.conname, whole, pg_catalog.obj_description(c.oid, 'pg_constraint')))
    ) as s (statement)
    where c.conrelid = source and c.contype = 'f' and c.conparentid = 0 and (s.statement like 'alter%' or pg_catalog.obj_description(c.oid, 'pg_constraint') is not null)
    order by c.conname, s.statement));

  return parent;
end
$$;
comment on function partitions.build_parent(regclass, name, text, boolean) is
  'An empty partitioned table like source: columns, defaults, generated columns, checks, keys, indexes, statistics, foreign keys, policies, '
  'comments, owner. What only the table with the name may have comes with partitions.exchange(): triggers, privileges, FORCE ROW LEVEL '
  'SECURITY, identity, publications. extend_keys: adds the partition key to unique keys that lack it.';

revoke execute on function
  partitions.with_key(text, name), partitions.extended_name(name), partitions.is_extended(name), partitions.renamed_part(name, name, name),
  partitions.key_definitions(regclass, name), partitions.run(text[]), partitions.close_table(regclass), partitions.build_parent(regclass, name, text, boolean)
from public;
--! EndIncluded partitions/build-parent.sql
--! Included partitions/blockers.sql
-- What cannot be carried over to a partitioned table, each with its reason and what to do. Nothing is dropped silently.

create or replace function partitions.identifying_index(source regclass) returns oid
language sql stable
set search_path = ''
as $$
  select i.indexrelid
  from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
  where i.indrelid = source and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
    and not exists (
      select from pg_catalog.pg_attribute as a
      where a.attrelid = source and a.attnum = any (i.indkey[0:i.indnkeyatts - 1]) and not a.attnotnull
    )
  order by i.indisprimary desc, i.indnkeyatts, c.relname limit 1
$$;
comment on function partitions.identifying_index(regclass) is 'The index by which a row is told from all others: the primary key, or a unique one over columns that are NOT NULL.';

create or replace function partitions.blockers(source regclass, key name, extend_keys boolean default false, method text default 'shadow')
returns table (object text, reason text, hint text)
language plpgsql stable
set search_path = ''
as $$
declare
  relation pg_catalog.pg_class;
  attribute record;
  whole constant pg_catalog.text := partitions.whole_name(source);
  version constant pg_catalog.int4 := current_setting('server_version_num')::pg_catalog.int4;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  if relation.relkind is distinct from 'r' then
    return query select coalesce(whole, 'NULL'),
      case relation.relkind when 'p' then 'it is partitioned already' else 'it is no table' end,
      case relation.relkind when 'p' then 'Keep its partitions up with harness partitions ensure.' else 'Name a table.' end;
    return;
  end if;

  select a.attnum, a.attname, a.attnotnull, a.attgenerated, coalesce(nullif(t.typbasetype, 0), t.oid)::pg_catalog.regtype as type into attribute
  from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
  where a.attrelid = source and a.attname = key and a.attnum > 0 and not a.attisdropped;
  if attribute.attnum is null then
    return query select whole, format('it has no column %I', key), 'Name a column of type date, timestamp or timestamptz.';
    return;
  end if;

  return query
    -- The table itself.
    select whole, b.reason, b.hint
    from (values
      (relation.relpersistence = 't', 'it is a temporary table', 'Only tables that last are partitioned.'),
      (relation.relpersistence = 'u', 'it is unlogged', format('alter table %s set logged;', whole)),
      (relation.relispartition, 'it is a partition itself', 'Divide its parent into shorter periods instead.'),
      (relation.reloftype <> 0, 'it is a typed table', format('alter table %s not of;', whole)),
      (relation.relam <> (select oid from pg_catalog.pg_am where amname = 'heap'), 'it is not stored as a heap', 'Its partitions would be.'),
      (relation.relreplident = 'i', 'its replica identity is an index',
        format('alter table %s replica identity default; if it has a primary key, which will contain %I.', whole, key)),
      (not pg_has_role(relation.relowner, 'usage'), format('it belongs to %I', pg_catalog.pg_get_userbyid(relation.relowner)), 'Connect as its owner.'),
      (not has_database_privilege(current_database(), 'create'), 'this role may not create schemas in this database, and the partitioned table is made in one of its own',
        format('grant create on database %I to %I;', current_database(), current_user)),
      (not has_schema_privilege(relation.relowner, relation.relnamespace, 'create'),
        format('its owner %I may not create tables in its schema', pg_catalog.pg_get_userbyid(relation.relowner)),
        format('grant create on schema %s to %I;', relation.relnamespace::pg_catalog.regnamespace, pg_catalog.pg_get_userbyid(relation.relowner))),
      (exists (select from pg_catalog.pg_inherits as i where i.inhparent = source or i.inhrelid = source and not relation.relispartition),
        'it inherits from another table, or another one from it', 'A partitioned table has no other heirs: alter table … no inherit.'),
      (exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = source and d.deptype = 'e'),
        'it belongs to an extension', 'Leave it as it is: an update of the extension would not know it any more.'),
      (exists (select from pg_catalog.pg_seclabel as l where l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.objoid = source),
        'it has security labels, which are not carried over', 'Take them off before and put them on again afterwards.'),
      (exists (select from pg_catalog.pg_subscription_rel as s where s.srrelid = source), 'it is filled by a subscription', 'Take it out of the publication that it comes from.'),
      (method = 'shadow' and partitions.identifying_index(source) is null,
        'it has neither a primary key nor a unique one over NOT NULL columns, so that a change could not be repeated in the copy',
        'Use --method attach, which copies nothing, or add a key.')
    ) as b (applies, reason, hint)
    where b.applies
    union all
    -- The key.
    select format('column %I', key), b.reason, b.hint
    from (values
      (attribute.type not in ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype, 'pg_catalog.timestamptz'::pg_catalog.regtype),
        format('it is of type %s', attribute.type), 'Choose one of type date, timestamp or timestamptz.'),
      (not attribute.attnotnull, 'it may be NULL, and no partition is for NULL',
        format('Give every row a value, then: alter table %s add check (%I is not null) not valid; validate it, and: alter table %1$s alter column %2$I set not null;', whole, key)),
      (attribute.attgenerated <> '', 'it is generated', 'Choose one that is stored as given.')
    ) as b (applies, reason, hint)
    where b.applies
    union all
    -- Indexes.
    select format('index %I', c.relname), 'it is not valid', 'Drop it, or: reindex index concurrently.'
    from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indrelid = source and not i.indisvalid
      -- what a conversion by attaching is building
      and not partitions.is_extended(c.relname)
    union all
    select format('%s %I', case when i.indisprimary then 'primary key' else 'unique key' end, c.relname),
      format('it lacks %I, which every unique key of a partitioned table has to contain', key),
      format('With --extend-keys it is (%s), which no longer rules out the same values with different %I: see docs/partitions.md.',
        concat_ws(', ', variadic array(
          select pg_catalog.pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) as n) || quote_ident(key)), key)
    from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indrelid = source and i.indisunique and not extend_keys and not attribute.attnum = any (i.indkey[0:i.indnkeyatts - 1])
    union all
    select format('constraint %I', c.conname),
      case when version < 170000 then 'partitioned tables have exclusion constraints from PostgreSQL 17 on only'
        else format('it does not compare %I by =, and no constraint sees rows of other partitions', key) end,
      'Leave this table as it is, or keep what must not overlap in a table of its own.'
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype = 'x'
      and (version < 170000 or not exists (
        select from unnest(c.conkey, c.conexclop) as e (attnum, operator) join pg_catalog.pg_operator as o on o.oid = e.operator
        where e.attnum = attribute.attnum and o.oprname = '='))
    union all
    select format('constraint %I', c.conname), 'it is WITHOUT OVERLAPS, to which no column can be added', 'Leave this table as it is.'
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype in ('p', 'u') and to_jsonb(c) ->> 'conperiod' = 'true'
    union all
    -- Other constraints.
    select format('constraint %I', c.conname), 'it is not validated, so that rows may be in the table that cannot be in its copy',
      format('alter table %s validate constraint %I;', whole, c.conname)
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype in ('c', 'f') and not c.convalidated and c.conname <> 'partition_bounds'
    union all
    select format('constraint %I', c.conname), 'it is NO INHERIT, which a partitioned table cannot have', 'Create it again without.'
    from pg_catalog.pg_constraint as c where c.conrelid = source and c.contype = 'c' and c.connoinherit
    union all
    select format('constraint %I on %s', c.conname, partitions.whole_name(c.conrelid)), b.reason, b.hint
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_class as r on r.oid = c.conrelid
    cross join lateral (values
      (c.conrelid = source, 'it refers to its own table: while rows are copied one by one, not all of those are there that others refer to',
        'Drop it, and add it again afterwards.'),
      (c.conrelid <> source and not attribute.attnum = any (c.confkey),
        format('it refers to %s without %I, which the key that it would refer to has to contain', whole, key),
        format('Add %I to the referring table and to the foreign key, or let a trigger keep watch.', key)),
      (c.conrelid <> source and r.relkind = 'p' and attribute.attnum = any (c.confkey), 'the referring table is partitioned, so that its rows would have to be read under a lock',
        'Drop it, and add it again afterwards.'),
      (not pg_has_role(r.relowner, 'usage'), 'the referring table belongs to another role', 'Connect as a member of both.')
    ) as b (applies, reason, hint)
    where c.contype = 'f' and c.confrelid = source and c.conparentid = 0 and b.applies
    union all
    -- Triggers, rules, publications.
    select format('trigger %I', t.tgname), 'it fires for each row and has transition tables, which partitions cannot have', 'Let it fire for each statement.'
    from pg_catalog.pg_trigger as t
    where t.tgrelid = source and not t.tgisinternal and t.tgtype & 1 = 1 and (t.tgoldtable is not null or t.tgnewtable is not null)
    union all
    select format('rule %I', r.rulename), 'rules are not carried over', 'Let a trigger do the same.'
    from pg_catalog.pg_rewrite as r where r.ev_class = source
    union all
    select format('publication %I', p.pubname), b.reason, b.hint
    from pg_catalog.pg_publication as p
    join pg_catalog.pg_publication_tables as t on t.pubname = p.pubname and t.schemaname = relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name and t.tablename = relation.relname
    left join pg_catalog.pg_publication_rel as r on r.prpubid = p.oid and r.prrelid = source
    cross join lateral (values
      (not p.pubviaroot, 'it would publish the partitions by their own names, which subscribers do not have',
        format('alter publication %I set (publish_via_partition_root = true);', p.pubname)),
      (r.oid is null and method = 'shadow', 'it has every table, and would publish the copy too while that is filled', 'Let it name its tables, or use --method attach.'),
      (r.oid is not null and not pg_has_role(p.pubowner, 'usage'), 'it belongs to another role', format('Become a member of %I.', pg_catalog.pg_get_userbyid(p.pubowner)))
    ) as b (applies, reason, hint)
    where b.applies
    union all
    select d.object, d.reason, d.hint from partitions.dependents(source) as d where d.reason is not null
    union all
    select format('view %s', r.ev_class::pg_catalog.regclass), format('it groups by the primary key, which gets %I as one more column', key),
      'Let it group by every column that it shows.'
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_depend as d on d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.refobjid = c.oid and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    join pg_catalog.pg_rewrite as r on r.oid = d.objid
    where c.conrelid = source and c.contype = 'p' and not attribute.attnum = any (c.conkey)
    union all
    select n.object, 'a row names the table by its identity, and would go on to name the old one', 'Take the row out, and enter the new table afterwards.'
    from partitions.rows_that_name(source) as n
    union all
    select format('sequence %s', s.objid::pg_catalog.regclass), format('%s uses it too, and the sequence of an identity column has to be made anew', pg_catalog.pg_describe_object(o.classid, o.objid, o.objsubid)),
      'Give the other one a sequence of its own.'
    from pg_catalog.pg_depend as s
    join pg_catalog.pg_depend as o on o.refclassid = s.classid and o.refobjid = s.objid and o.deptype <> 'i'
    where s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.refclassid = s.classid and s.refobjid = source and s.deptype = 'i' and s.refobjsubid > 0;
end
$$;
comment on function partitions.blockers(regclass, name, boolean, text) is
  'What stands in the way of partitioning a table by a column, each with its reason and what to do. method: attach, shadow, or rebuild for '
  'partitions.rebuild(). No rows: nothing does. Does not look at the rows.';

revoke execute on function partitions.identifying_index(regclass), partitions.blockers(regclass, name, boolean, text) from public;
--! EndIncluded partitions/blockers.sql
--! Included partitions/exchange.sql
-- The moment at which the partitioned table gets the name. What belongs to the name goes along: privileges, triggers, publications,
-- sequences, and whatever refers to the table by its identity. The statements are written down while the old table has the name, and run
-- when the new one has it. All of it changes the catalogue only, in one transaction, under the lock of the old table.

create or replace function partitions.undress_statements(source regclass, stays boolean) returns text[]
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select s.statement
    from (
      select 1 as place, format('alter publication %I drop table %s', p.pubname, partitions.whole_name(source)) as statement
      from pg_catalog.pg_publication_rel as r join pg_catalog.pg_publication as p on p.oid = r.prpubid where r.prrelid = source
      union all
      select 2, format('alter table %s drop constraint %I', partitions.whole_name(c.conrelid), c.conname)
      from pg_catalog.pg_constraint as c where c.contype = 'f' and c.confrelid = source and c.conparentid = 0
      union all
      select 3, format('alter sequence %s owned by none', partitions.whole_name(d.objid))
      from pg_catalog.pg_depend as d join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid and d.refobjid = source and d.deptype = 'a' and d.refobjsubid > 0
      union all
      -- As a partition it has the triggers and the identity of its parent; as a table that is kept for a while it has nothing to refer to.
      select 4, format('drop trigger %I on %s', t.tgname, partitions.whole_name(source))
      from pg_catalog.pg_trigger as t where t.tgrelid = source and not t.tgisinternal and (stays or starts_with(t.tgname::text, '!partitions'))
      union all
      select 5, format('alter table %s alter column %I drop identity', partitions.whole_name(source), a.attname)
      from pg_catalog.pg_attribute as a where a.attrelid = source and a.attidentity <> '' and not a.attisdropped and stays
      union all
      select 6, format('alter table %s drop constraint %I', partitions.whole_name(source), c.conname)
      from pg_catalog.pg_constraint as c where c.contype = 'f' and c.conrelid = source and c.conparentid = 0 and not stays
    ) as s
    order by s.place, s.statement
  );
end
$$;
comment on function partitions.undress_statements(regclass, boolean) is
  'What takes from a table what goes along with its name. stays: it becomes a partition, and keeps its foreign keys.';

create or replace function partitions.dress_statements(source regclass, lock_sequences boolean default true) returns text[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  whole constant pg_catalog.text := partitions.whole_name(source);
  statements pg_catalog.text[] := '{}';
  identity record;
  last_value pg_catalog.int8;
  is_called boolean;
begin
  -- Sequences are made anew for identity columns, which cannot be given one; theirs must not move on while it is read.
  for identity in
    select a.attname, a.attidentity, q.oid as sequence, q.relname, n.nspname, s.*
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid
      and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'
    join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
    join pg_catalog.pg_namespace as n on n.oid = q.relnamespace
    join pg_catalog.pg_sequence as s on s.seqrelid = q.oid
    where a.attrelid = source and a.attidentity <> '' and not a.attisdropped
    order by a.attnum
  loop
    if lock_sequences then
      execute format('alter sequence %I.%I cache %s', identity.nspname, identity.relname, identity.seqcache);
    end if;
    execute format('select last_value, is_called from %I.%I', identity.nspname, identity.relname) into last_value, is_called;
    statements := statements || format(
      'alter table %s alter column %I add generated %s as identity (sequence name %I.%I start with %s increment by %s minvalue %s maxvalue %s cache %s%s)',
      whole, identity.attname, case identity.attidentity when 'a' then 'always' else 'by default' end, identity.nspname, identity.relname,
      identity.seqstart, identity.seqincrement, identity.seqmin, identity.seqmax, identity.seqcache, case when identity.seqcycle then ' cycle' end)
      || format('select setval(%L, %s, %L)', format('%I.%I', identity.nspname, identity.relname), last_value, is_called)
      || array(
        select format('grant %s on sequence %I.%I to %s', g.privilege_type, identity.nspname, identity.relname,
          case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end)
        from pg_catalog.pg_class as q, aclexplode(q.relacl) as g where q.oid = identity.sequence and g.grantee <> q.relowner);
  end loop;

  return statements || array(
    select s.statement
    from (
      select 1 as place, q.relname::text as name, 1 as step, format('alter sequence %s owned by %s.%I', partitions.whole_name(q.oid), whole, a.attname) as statement
      from pg_catalog.pg_depend as d
      join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
      join pg_catalog.pg_attribute as a on a.attrelid = source and a.attnum = d.refobjsubid
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid and d.refobjid = source and d.deptype = 'a'
      union all
      select 2, t.tgname::text, x.step, x.statement
      from pg_catalog.pg_trigger as t
      cross join lateral (values
        (1, pg_catalog.pg_get_triggerdef(t.oid)),
        (2, (select format('alter table %s %s trigger %I', whole, case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)
          where t.tgenabled <> 'O')),
        (3, (select format('comment on trigger %I on %s is %L', t.tgname, whole, pg_catalog.obj_description(t.oid, 'pg_trigger'))
          where pg_catalog.obj_description(t.oid, 'pg_trigger') is not null))
      ) as x (step, statement)
      where t.tgrelid = source and not t.tgisinternal and not starts_with(t.tgname::text, '!partitions')
      union all
      select 3, '', 1, format('comment on table %s is %L', whole, pg_catalog.obj_description(source, 'pg_class')) where pg_catalog.obj_description(source, 'pg_class') is not null
      union all
      select 4, '', 1, format('alter table %s force row level security', whole) from pg_catalog.pg_class as c where c.oid = source and c.relforcerowsecurity
      union all
      -- Privileges come last of what is the table's own: from then on it is open, to whom the old one was.
      select 5, '', 1, format('revoke all on table %s from %I', whole, pg_catalog.pg_get_userbyid(c.relowner)) from pg_catalog.pg_class as c where c.oid = source and c.relacl is not null
      union all
      select 6, '', row_number() over ()::int4, format('grant %s on table %s to %s%s', g.privilege_type, whole,
        case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end, case when g.is_grantable and g.grantee <> c.relowner then ' with grant option' end)
      from pg_catalog.pg_class as c, aclexplode(c.relacl) as g where c.oid = source
      union all
      select 7, a.attname::text, row_number() over ()::int4, format('grant %s (%I) on table %s to %s%s', g.privilege_type, a.attname, whole,
        case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end, case when g.is_grantable then ' with grant option' end)
      from pg_catalog.pg_attribute as a, aclexplode(a.attacl) as g where a.attrelid = source and not a.attisdropped
      union all
      select 8, p.pubname::text, 1, format('alter publication %I add table %s%s%s', p.pubname, whole,
        -- Column lists and row filters are there from PostgreSQL 15 on, and so are the columns of the catalogue.
        (select ' (' || string_agg(quote_ident(n.name), ', ') || ')' from jsonb_array_elements_text(to_jsonb(t) -> 'attnames') as n (name) where to_jsonb(r) ->> 'prattrs' is not null),
        (select ' where (' || (to_jsonb(t) ->> 'rowfilter') || ')' where to_jsonb(t) ->> 'rowfilter' is not null))
      from pg_catalog.pg_publication_rel as r
      join pg_catalog.pg_publication as p on p.oid = r.prpubid
      join pg_catalog.pg_class as c on c.oid = r.prrelid
      join pg_catalog.pg_publication_tables as t on t.pubname = p.pubname and t.schemaname = c.relnamespace::pg_catalog.regnamespace::pg_catalog.name and t.tablename = c.relname
      where r.prrelid = source
      union all
      select 9, c.conname::text, x.step, x.statement
      from pg_catalog.pg_constraint as c
      cross join lateral (values
        -- Valid rows stay valid, and are proved so afterwards, when no lock is held that anybody waits for.
        (1, format('alter table %s add constraint %I %s not valid', partitions.whole_name(c.conrelid), c.conname, regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), ' NOT VALID$', ''))),
        (2, (select format('comment on constraint %I on %s is %L', c.conname, partitions.whole_name(c.conrelid), pg_catalog.obj_description(c.oid, 'pg_constraint'))
          where pg_catalog.obj_description(c.oid, 'pg_constraint') is not null))
      ) as x (step, statement)
      where c.contype = 'f' and c.confrelid = source and c.conparentid = 0
      union all
      select 10, d.object, 1, d.statement from partitions.dependents(source) as d
    ) as s
    where s.statement is not null
    order by s.place, s.name, s.step
  );
end
$$;
comment on function partitions.dress_statements(regclass, boolean) is
  'What gives the table that will have the name what goes along with it. Locks the sequences of identity columns until the transaction ends, or '
  'else their values may be out of date.';

create or replace function partitions.move_table(relation regclass, schema_name name) returns void
language plpgsql
set search_path = ''
as $$
begin
  -- Indexes, constraints and sequences of columns go with it; extended statistics do not.
  perform partitions.run(array(
    select format('alter statistics %s.%I set schema %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, schema_name)
    from pg_catalog.pg_statistic_ext as x where x.stxrelid = relation));
  -- Names of indexes that came about by shortening are told apart within a schema only.
  perform partitions.run(array(
    select format('alter index %I.%I rename to %I', n.nspname, c.relname, partitions.free_name(target.oid, c.relname, '2'))
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_namespace as target on target.nspname = schema_name and target.oid <> n.oid
    where i.indrelid = relation and exists (select from pg_catalog.pg_class as o where o.relnamespace = target.oid and o.relname = c.relname)));
  execute format('alter table %s set schema %I', partitions.whole_name(relation), schema_name);
end
$$;
comment on function partitions.move_table(regclass, name) is 'Puts a table with all that belongs to it into another schema.';

create or replace function partitions.exchange(source regclass, parent regclass, attic name, old_name name) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  home constant pg_catalog.name := (select n.nspname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = source);
  plain constant pg_catalog.name := (select relname from pg_catalog.pg_class where oid = source);
  dressing constant pg_catalog.text[] := partitions.dress_statements(source, true);
begin
  perform partitions.run(partitions.undress_statements(source, false));
  execute format('alter table %I.%I rename to %I', home, plain, old_name);
  perform partitions.move_table(source, attic);
  perform partitions.close_table(source);
  perform partitions.move_table(parent, home);
  perform partitions.run(dressing);
end
$$;
comment on function partitions.exchange(regclass, regclass, name, name) is
  'Puts a partitioned table that build_parent() has made in another schema, under the same name, into the place of its source, which goes into '
  'the schema attic under the old name, closed to everybody but its owner. The caller holds ACCESS EXCLUSIVE on both.';

create or replace function partitions.make_schema(name name, owner oid) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
begin
  execute format('create schema if not exists %I', name);
  execute format('revoke all on schema %I from public', name);
  if owner <> current_user::pg_catalog.regrole then
    -- Constraints and the triggers of the copy work with the rights of the owner of the table.
    execute format('grant usage, create on schema %I to %I', name, pg_catalog.pg_get_userbyid(owner));
  end if;
end
$$;
comment on function partitions.make_schema(name, oid) is 'A schema that nobody but the owner of the table gets into.';

revoke execute on function
  partitions.undress_statements(regclass, boolean), partitions.dress_statements(regclass, boolean), partitions.exchange(regclass, regclass, name, name),
  partitions.move_table(regclass, name), partitions.make_schema(name, oid)
from public;
--! EndIncluded partitions/exchange.sql
--! Included partitions/rebuild.sql
-- For small tables, in one transaction: what a migration calls.

create or replace function partitions.fill_children(source regclass, parent regclass, key name, home name) returns void
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
  settings constant partitions.managed := partitions.settings(parent);
  type constant pg_catalog.regtype := (select k.type from partitions.key(parent) as k);
  oldest pg_catalog.timestamptz;
  newest pg_catalog.timestamptz;
  step constant interval := partitions.step(settings.period);
  made record;
begin
  execute format('select min(%1$I)::pg_catalog.timestamptz, max(%1$I)::pg_catalog.timestamptz from %2$s', key, partitions.whole_name(source)) into oldest, newest;
  if not (isfinite(coalesce(oldest, now())) and isfinite(coalesce(newest, now()))) then
    raise check_violation using
      message = format('%I of %s is infinite in some rows, and no partition is for them', key, source),
      hint = 'Give them a date.';
  end if;
  perform partitions.refuse_too_many(source, key, settings.period, least(oldest, now()), greatest(newest, now()) + settings.premake * step);
  for made in
    select f.child
    from partitions.periods(settings.period, settings.time_zone, least(oldest, now()), greatest(newest, now()) + settings.premake * step) as p
    cross join lateral partitions.fill(parent, p.starts_at, p.ends_at) as f (child)
  loop
    perform partitions.place_child(made.child, source, home);
  end loop;
end
$$;
comment on function partitions.fill_children(regclass, regclass, name, name) is
  'Partitions for the rows of source, and for the periods ahead. They are in the schema where the table will be, stored like source.';

create or replace function partitions.place_child(child regclass, source regclass, home name) returns void
language plpgsql
set search_path = ''
as $$
declare
  made pg_catalog.pg_class;
  like_source pg_catalog.pg_class;
begin
  select * into made from pg_catalog.pg_class as c where c.oid = child;
  select * into like_source from pg_catalog.pg_class as c where c.oid = source;
  if made.relnamespace <> home::text::pg_catalog.regnamespace then
    if exists (select from pg_catalog.pg_class as c where c.relnamespace = home::text::pg_catalog.regnamespace and c.relname = made.relname) then
      execute format('alter table %s rename to %I', partitions.whole_name(child), partitions.free_name(home::text::pg_catalog.regnamespace, made.relname, '2'));
    end if;
    perform partitions.run(array(
      select format('alter index %s rename to %I', partitions.whole_name(i.indexrelid), partitions.free_name(taken.relnamespace, x.relname, '2'))
      from pg_catalog.pg_index as i
      join pg_catalog.pg_class as x on x.oid = i.indexrelid
      join pg_catalog.pg_class as taken on taken.relname = x.relname and taken.relnamespace = home::text::pg_catalog.regnamespace
      where i.indrelid = child
      union all
      select format('alter statistics %s.%I rename to %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, left(x.stxname::text, 40) || '_' || left(md5(child::text || now()), 8))
      from pg_catalog.pg_statistic_ext as x
      join pg_catalog.pg_statistic_ext as taken on taken.stxname = x.stxname and taken.stxnamespace = home::text::pg_catalog.regnamespace
      where x.stxrelid = child));
    perform partitions.move_table(child, home);
  end if;
  if like_source.reloptions is not null and made.reloptions is null then
    execute format('alter table %s set (%s)', partitions.whole_name(child),
      (select string_agg(format('%I = %L', o.option_name, o.option_value), ', ') from pg_catalog.pg_options_to_table(like_source.reloptions) as o));
  end if;
  -- Nobody has a privilege on it and rows are written through its parent alone, so this binds nobody yet.
  if like_source.relforcerowsecurity then
    execute format('alter table %s force row level security', partitions.whole_name(child));
  end if;
end
$$;
comment on function partitions.place_child(regclass, regclass, name) is 'Moves a partition that was made for a copy to where it will be.';

create or replace function partitions.columns_of(source regclass) returns text
language sql stable
set search_path = ''
as $$
  select string_agg(quote_ident(attname), ', ' order by attnum)
  from pg_catalog.pg_attribute where attrelid = source and attnum > 0 and not attisdropped and attgenerated = ''
$$;
comment on function partitions.columns_of(regclass) is 'The columns of a table that can be written.';

create or replace function partitions.rebuild(
  source regclass, key name, period text, time_zone text default 'UTC', max_rows bigint default 100000, extend_keys boolean default true
) returns regclass
language plpgsql
set search_path = ''
set row_security = off
set client_min_messages = warning
as $$
declare
  relation pg_catalog.pg_class;
  home pg_catalog.name;
  workspace constant pg_catalog.name := format('partitions_%s_new', source::pg_catalog.oid);
  attic constant pg_catalog.name := format('partitions_%s_old', source::pg_catalog.oid);
  old_name pg_catalog.name;
  whole constant pg_catalog.text := partitions.whole_name(source);
  parent regclass;
  rows pg_catalog.int8;
  copied pg_catalog.int8;
  inbound record;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  execute format('lock table %s in access exclusive mode', whole);
  home := (select n.nspname from pg_catalog.pg_namespace as n where n.oid = relation.relnamespace);
  old_name := partitions.free_name(relation.relnamespace, relation.relname, 'before_partitions');

  perform partitions.make_schema(workspace, relation.relowner);
  perform partitions.make_schema(attic, relation.relowner);
  parent := partitions.build_parent(source, key, format('%I.%I', workspace, relation.relname), extend_keys);
  -- Under the lock nobody else sees the table, and it is about to go.
  if relation.relforcerowsecurity then
    execute format('alter table %s no force row level security', whole);
  end if;
  execute format('select count(*) from (select from %s limit %s) as found', whole, max_rows + 1) into rows;
  if rows > max_rows then
    raise program_limit_exceeded using
      message = format('%s has more than %s rows: rebuilding it would keep its users waiting', source, max_rows),
      hint = format('harness partitions convert %s --key %s --period %s%s', whole, key, period, case when extend_keys then ' --extend-keys' end);
  end if;
  -- Attaching a partition looks at the tables that it refers to, as the owner, whom their row security may bind: with row_security off that
  -- is an error, though there is no row yet that could refer to anything.
  perform set_config('row_security', 'on', true);
  perform partitions.manage(parent, period, time_zone);
  perform partitions.fill_children(source, parent, key, home);
  perform set_config('row_security', 'off', true);
  execute format('insert into %s (%s) select %2$s from %s', partitions.whole_name(parent), partitions.columns_of(source), whole);
  get diagnostics copied = row_count;
  perform set_config('row_security', 'on', true);
  if copied <> rows then
    raise data_corrupted using message = format('%s has %s rows, and %s were copied', source, rows, copied);
  end if;
  if relation.relforcerowsecurity then
    execute format('alter table %s force row level security', whole);
  end if;

  perform partitions.exchange(source, parent, attic, old_name);
  perform partitions.isolate(parent, c.child) from partitions.children(parent) as c;
  execute format('drop table %I.%I', attic, old_name);
  execute format('drop schema %I', attic);
  execute format('drop schema %I', workspace);
  for inbound in
    select c.conname, c.conrelid from pg_catalog.pg_constraint as c where c.contype = 'f' and c.confrelid = parent and c.conparentid = 0 and not c.convalidated
  loop
    execute format('alter table %s validate constraint %I', partitions.whole_name(inbound.conrelid), inbound.conname);
  end loop;
  return parent;
end
$$;
comment on function partitions.rebuild(regclass, name, text, text, bigint, boolean) is
  'Partitions a small table in the current transaction, which holds it locked until it ends: rows, keys (the partition key is added to those '
  'that lack it), privileges, policies and all else. Refuses larger ones, for which there is harness partitions convert. Its partitions are '
  'kept up from then on.';

revoke execute on function
  partitions.fill_children(regclass, regclass, name, name), partitions.place_child(regclass, regclass, name), partitions.columns_of(regclass),
  partitions.rebuild(regclass, name, text, text, bigint, boolean)
from public;
--! EndIncluded partitions/rebuild.sql
--! Included partitions/conversions.sql
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
--! EndIncluded partitions/conversions.sql
--! Included partitions/conversion-steps.sql
-- The steps that both methods have, and the way back. Those of shadow alone are in copy.sql, those of attach and the swap in swap.sql.

create or replace function partitions.step_build(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  made regclass;
  owner constant pg_catalog.oid := (select relowner from pg_catalog.pg_class where oid = c.source);
begin
  perform partitions.make_schema(partitions.workspace(c.source), owner);
  made := partitions.build_parent(c.source, c.key_column,
    format('%I.%I', partitions.workspace(c.source), (select relname from pg_catalog.pg_class where oid = c.source)), c.extend_keys);
  perform partitions.manage(made, c.period, c.time_zone, c.premake, c.retention);
  update partitions.conversions as t set parent = made, fingerprint = partitions.fingerprint(c.source) where t.relation = c.relation;
  return partitions.move_on(relation, 'children');
end
$$;
comment on function partitions.step_build(text) is 'Makes the partitioned table.';

create or replace function partitions.step_children(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  wanted constant record := (select w from partitions.wanted(c) as w);
  home constant pg_catalog.name := (select relnamespace::pg_catalog.regnamespace::pg_catalog.name from pg_catalog.pg_class where oid = c.source);
  next_one record;
begin
  -- One in a transaction, since each locks the tables that the foreign keys refer to. What is missing is asked at the beginning and at the end
  -- only: it means reading the bounds of all. In between the next period follows from the last.
  if c.made_until is null or c.made_until >= wanted.ends_at then
    select greatest(g.starts_at, p.starts_at) as starts_at, least(g.ends_at, p.ends_at) as ends_at into next_one
    from (select * from partitions.gaps(c.parent, wanted.starts_at, wanted.ends_at) limit 1) as g
    cross join lateral partitions.periods(c.period, c.time_zone, g.starts_at, g.starts_at) as p;
    if next_one.starts_at is null then
      update partitions.conversions as t set made_until = null where t.relation = c.relation;
      return partitions.move_on(relation, case c.method when 'attach' then 'index' else 'watch' end);
    end if;
  else
    select p.starts_at, p.ends_at into next_one from partitions.periods(c.period, c.time_zone, c.made_until, c.made_until) as p;
  end if;
  begin
    perform partitions.place_child(partitions.create_child(c.parent, next_one.starts_at, next_one.ends_at), c.source, home);
  exception when invalid_object_definition then
    -- Somebody else has made it, or a part of it.
    next_one.ends_at := null;
  end;
  update partitions.conversions as t set made_until = next_one.ends_at where t.relation = c.relation;
  return 'children';
end
$$;
comment on function partitions.step_children(text) is 'Makes the next partition.';

create or replace function partitions.step_validate(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  inbound record;
begin
  select k.conname, k.conrelid into inbound
  from pg_catalog.pg_constraint as k where k.contype = 'f' and k.confrelid = c.parent and k.conparentid = 0 and not k.convalidated
  order by k.oid limit 1;
  if inbound.conname is not null then
    execute format('alter table %s validate constraint %I', partitions.whole_name(inbound.conrelid), inbound.conname);
    return 'validate';
  end if;
  if c.method = 'shadow' then
    return partitions.move_on(relation, 'finish');
  end if;
  delete from partitions.conversions as t where t.relation = c.relation;
  return 'done';
end
$$;
comment on function partitions.step_validate(text) is 'Proves the next foreign key that refers to the table.';

create or replace function partitions.step_finish(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  execute format('drop table if exists %s', partitions.whole_name(c.source));
  execute format('drop schema if exists %I', partitions.attic(c.source));
  delete from partitions.conversions as t where t.relation = c.relation;
  return 'done';
end
$$;
comment on function partitions.step_finish(text) is 'Drops the old table.';

create or replace function partitions.undo_conversion(relation text) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.step in ('validate', 'finish') then
    raise object_not_in_prerequisite_state using
      message = format('%s is partitioned already', relation), hint = 'There is no way back: what was written since is in the partitioned table alone.';
  end if;
  execute format('lock table %s in access exclusive mode', partitions.whole_name(c.source));
  perform partitions.run(array(
    select format('drop trigger %I on %s', t.tgname, partitions.whole_name(c.source))
    from pg_catalog.pg_trigger as t where t.tgrelid = c.source and starts_with(t.tgname::text, '!partitions')
    union all
    select format('alter table %s drop constraint partition_bounds', partitions.whole_name(c.source))
    from pg_catalog.pg_constraint as k where k.conrelid = c.source and k.conname = 'partition_bounds' and c.method = 'attach'
    union all
    select format('drop index %s', partitions.whole_name(i.indexrelid))
    from pg_catalog.pg_index as i join pg_catalog.pg_class as x on x.oid = i.indexrelid where i.indrelid = c.source and partitions.is_extended(x.relname) and c.method = 'attach'));
  if c.parent is not null then
    delete from partitions.managed as m where m.parent = c.parent;
    execute format('drop table %s', partitions.whole_name(c.parent));
  end if;
  execute format('drop schema if exists %I cascade', partitions.workspace(c.source));
  delete from partitions.conversions as t where t.relation = c.relation;
end
$$;
comment on function partitions.undo_conversion(text) is 'Leaves nothing of a conversion that has not been swapped yet.';

revoke execute on function
  partitions.step_build(text), partitions.step_children(text), partitions.step_validate(text), partitions.step_finish(text), partitions.undo_conversion(text)
from public;
--! EndIncluded partitions/conversion-steps.sql
--! Included partitions/copy.sql
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
--! EndIncluded partitions/copy.sql
--! Included partitions/snapshots.sql
-- A snapshot does not see rows that were copied after it was taken. Whoever has an older one and first touches the table after the swap would
-- find it empty, without any error. So the swap waits for the transactions that were running when the copy was complete, as CREATE INDEX
-- CONCURRENTLY waits for those that are older than its index. What is written later is in both tables, by the same transaction.

create or replace function partitions.older_transactions(relation text)
returns table (transaction text, pid integer, application text, began_at timestamptz)
language sql volatile
set search_path = ''
as $$
  select l.virtualtransaction, a.pid, nullif(a.application_name, ''), a.xact_start
  from partitions.conversions as c
  join pg_catalog.pg_locks as l on l.locktype = 'virtualxid' and l.virtualxid = l.virtualtransaction and l.virtualtransaction = any (c.running_before)
  join pg_catalog.pg_stat_activity as a on a.pid = l.pid
  where c.relation = older_transactions.relation and c.server_started_at = pg_postmaster_start_time() and l.pid <> pg_backend_pid()
    -- Other databases do not see the table; autovacuum, which has no user, does not read as a snapshot does.
    and a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database()) and a.usesysid is not null
    -- READ COMMITTED has no snapshot between two statements, and takes a new one for the next. Of sessions of other roles this is known to
    -- pg_read_all_stats only: without it they count.
    and (a.backend_start is null or a.backend_xmin is not null)
  order by a.xact_start, a.pid
$$;
comment on function partitions.older_transactions(text) is
  'Transactions whose snapshot may be older than the copy of a table, the oldest first: the swap waits for them. transaction: its virtual id. '
  'began_at is NULL where this role may not know it.';

create or replace function partitions.note_transactions(relation text) returns void
language sql volatile
set search_path = ''
as $$
  update partitions.conversions as c
  set server_started_at = pg_postmaster_start_time(),
    running_before = case when c.running_before is null
      then array(
        select l.virtualtransaction from pg_catalog.pg_locks as l
        where l.locktype = 'virtualxid' and l.virtualxid = l.virtualtransaction and l.pid <> pg_backend_pid())
      -- Whoever had no snapshot for a moment has a newer one ever after.
      else array(select o.transaction from partitions.older_transactions(relation) as o) end
  where c.relation = note_transactions.relation and c.step in ('verify', 'swap') and c.running_before is distinct from '{}'
$$;
comment on function partitions.note_transactions(text) is
  'Writes down which transactions are running, whose snapshots may not see all of the copy; called again, which of them are left. Call it once '
  'the last batch is committed: what begins afterwards sees all of it.';

create or replace function partitions.refuse_older_transactions(relation text) returns void
language plpgsql
set search_path = ''
as $$
declare
  older record;
begin
  if exists (select from partitions.conversions as c where c.relation = refuse_older_transactions.relation and c.running_before is null) then
    raise object_not_in_prerequisite_state using
      message = format('which transactions are older than the copy of %s is not written down', relation), hint = 'select partitions.note_transactions(…), in a transaction of its own.';
  end if;
  for older in select o.pid from partitions.older_transactions(relation) as o limit 1 loop
    raise object_in_use using
      message = format('session %s has a snapshot from before the copy of %s was complete: after the swap it would find no rows in it', older.pid, relation),
      hint = 'Wait until its transaction has ended.';
  end loop;
end
$$;
comment on function partitions.refuse_older_transactions(text) is 'An error while a transaction is running whose snapshot may be older than the copy.';

revoke execute on function partitions.older_transactions(text), partitions.note_transactions(text), partitions.refuse_older_transactions(text) from public;
--! EndIncluded partitions/snapshots.sql
--! Included partitions/swap.sql
-- The end of a conversion: one transaction that changes the catalogue only. What it needs to know it finds out before it has the lock.

create or replace function partitions.index_statements(relation text)
returns table (index text, statement text, valid boolean)
language sql stable
set search_path = ''
as $$
  select format('%I.%I', n.nspname, e.name),
    format('create unique index concurrently %I on %s %s', e.name, c.relation, e.definition), i.indisvalid
  from partitions.conversions as c
  join pg_catalog.pg_class as t on t.oid = c.source
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  cross join lateral partitions.key_definitions(c.source, c.key_column) as d
  cross join lateral (
    select partitions.extended_name(d.name),
      partitions.with_key(substr(pg_catalog.pg_get_indexdef(d.index),
        length(format('create unique index %I on %s ', d.name, partitions.whole_name(c.source))) + 1), c.key_column)
  ) as e (name, definition)
  left join pg_catalog.pg_class as x on x.relnamespace = t.relnamespace and x.relname = e.name
  left join pg_catalog.pg_index as i on i.indexrelid = x.oid
  where c.relation = index_statements.relation and d.extended
  order by e.name
$$;
comment on function partitions.index_statements(text) is
  'The unique indexes with the partition key that the old table needs to become a partition. valid: NULL if it is not there yet. Each statement '
  'runs outside of transactions.';

create or replace function partitions.bound_literal(conversion partitions.conversions) returns text
language sql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
  select quote_literal(case k.type
    when 'pg_catalog.timestamptz'::pg_catalog.regtype then conversion.legacy_until::text
    when 'pg_catalog.date'::pg_catalog.regtype then (conversion.legacy_until at time zone 'UTC')::date::text
    else (conversion.legacy_until at time zone 'UTC')::text end)
  from partitions.key(conversion.parent) as k
$$;
comment on function partitions.bound_literal(partitions.conversions) is 'Where the old table ends, as a constant of the type of the key.';

create or replace function partitions.step_bound(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  later constant timestamp with time zone := partitions.legacy_bound(c.period, c.time_zone, c.newest);
begin
  -- Time has gone by since it was planned: what was made for the time after the bound is empty, and begins later.
  if later > c.legacy_until then
    perform partitions.run(array(select format('drop table %s', partitions.whole_name(p.child)) from partitions.children(c.parent) as p where p.starts_at < later));
    update partitions.conversions as t set legacy_until = later where t.relation = c.relation;
    return partitions.move_on(relation, 'children');
  end if;
  execute format('alter table %s add constraint partition_bounds check (%I < %s) not valid', c.relation, c.key_column, partitions.bound_literal(c));
  return partitions.move_on(relation, 'prove');
end
$$;
comment on function partitions.step_bound(text) is 'From the commit on, the table takes no row that lies beyond its bound. Looks at none, and locks the table for that moment.';

create or replace function partitions.lift_bound(relation text) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.step not in ('prove', 'swap') or c.method <> 'attach' or now() < c.legacy_until - interval '2 hours' then
    return false;
  end if;
  execute format('alter table %s drop constraint partition_bounds', c.relation);
  perform partitions.move_on(relation, 'bound');
  return true;
end
$$;
comment on function partitions.lift_bound(text) is
  'Takes the bound away from a table whose conversion was left alone until the bound came near, before it refuses what is written now.';

create or replace function partitions.step_prove(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  execute format('alter table %s validate constraint partition_bounds', c.relation);
  return partitions.move_on(relation, 'swap');
end
$$;
comment on function partitions.step_prove(text) is 'Reads the table, while it is in use, so that the swap need not.';

create or replace function partitions.attach_old(conversion partitions.conversions) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  source constant regclass := conversion.source;
  relation pg_catalog.pg_class;
  home pg_catalog.name;
  legacy pg_catalog.name;
  dressing constant pg_catalog.text[] := partitions.dress_statements(source, true);
  k record;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  home := relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name;
  legacy := partitions.free_name(relation.relnamespace, relation.relname, 'legacy');
  perform partitions.run(partitions.undress_statements(source, true));
  for k in select * from partitions.key_definitions(source, conversion.key_column) loop
    if not k.extended then
      execute format('alter index %I.%I rename to %I', relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name, k.name, partitions.renamed_part(k.name, relation.relname, legacy));
    elsif k.kind = 'U' then
      execute format('drop index %s', partitions.whole_name(k.index));
      execute format('alter index %I.%I rename to %I', relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name,
        partitions.extended_name(k.name), partitions.renamed_part(k.name, relation.relname, legacy));
    else
      execute format('alter table %s drop constraint %I', partitions.whole_name(source), k.constraint_name);
      execute format('alter table %s add constraint %I %s using index %I%s', partitions.whole_name(source), partitions.renamed_part(k.name, relation.relname, legacy),
        case k.kind when 'p' then 'primary key' else 'unique' end, partitions.extended_name(k.name), substring(k.body, ' DEFERRABLE.*$'));
    end if;
  end loop;
  perform partitions.run(array(
    select format('alter statistics %s.%I rename to %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, partitions.renamed_part(x.stxname, relation.relname, legacy))
    from pg_catalog.pg_statistic_ext as x where x.stxrelid = source));
  execute format('alter table %s rename to %I', partitions.whole_name(source), legacy);
  perform partitions.move_table(conversion.parent, home);
  execute format('alter table %s attach partition %s for values from (minvalue) to (%s)', partitions.whole_name(conversion.parent), partitions.whole_name(source),
    partitions.bound_literal(conversion));
  perform partitions.run(dressing);
  perform partitions.isolate(conversion.parent, source);
  if relation.relreplident in ('f', 'n') then
    execute format('alter table %s replica identity %s', partitions.whole_name(source), case relation.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
end
$$;
comment on function partitions.attach_old(partitions.conversions) is 'Makes the old table the first partition of the new one, which gets its name. The caller holds ACCESS EXCLUSIVE on both.';

create or replace function partitions.step_swap(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  old_name pg_catalog.name;
  stray record;
begin
  perform partitions.refuse_blocked(c);
  if c.method = 'shadow' then
    perform partitions.refuse_older_transactions(relation);
  end if;
  -- What partitions maintain has made meanwhile is where the partitioned table is.
  for stray in
    select s.child, k.relnamespace::pg_catalog.regnamespace::pg_catalog.name as home
    from partitions.children(c.parent) as s
    join pg_catalog.pg_class as x on x.oid = s.child and x.relnamespace = partitions.workspace(c.source)::text::pg_catalog.regnamespace
    join pg_catalog.pg_class as k on k.oid = c.source
  loop
    perform partitions.place_child(stray.child, c.source, stray.home);
  end loop;
  -- A session plans a query when it asks it first: not under the lock.
  perform partitions.fingerprint(c.source), partitions.dress_statements(c.source, false), partitions.undress_statements(c.source, c.method = 'attach'),
    partitions.close_table(c.parent);
  execute format('lock table %s in access exclusive mode', partitions.whole_name(c.source));
  if partitions.fingerprint(c.source) <> c.fingerprint then
    raise object_not_in_prerequisite_state using
      message = format('the definition of %s has been changed since its partitions were made', relation),
      hint = format('harness partitions convert %s --rollback, and begin again.', relation);
  end if;
  if c.method = 'attach' then
    perform partitions.attach_old(c);
  else
    select partitions.free_name(k.relnamespace, k.relname, 'before_partitions') into old_name from pg_catalog.pg_class as k where k.oid = c.source;
    perform partitions.make_schema(partitions.attic(c.source), (select k.relowner from pg_catalog.pg_class as k where k.oid = c.source));
    perform partitions.exchange(c.source, c.parent, partitions.attic(c.source), old_name);
    execute format('drop function if exists %I.repeat()', partitions.workspace(c.source));
  end if;
  execute format('drop schema %I', partitions.workspace(c.source));
  -- Nobody should have taken it from them.
  perform partitions.isolate(c.parent, s.child)
  from partitions.children(c.parent) as s
  join pg_catalog.pg_class as x on x.oid = s.child
  join pg_catalog.pg_class as k on k.oid = c.parent
  where (x.relrowsecurity, x.relforcerowsecurity) is distinct from (k.relrowsecurity, k.relforcerowsecurity);
  return partitions.move_on(relation, 'validate');
end
$$;
comment on function partitions.step_swap(text) is
  'The partitioned table gets the name, and all that goes along with it. Locks the table against everybody until the transaction ends.';

revoke execute on function
  partitions.index_statements(text), partitions.bound_literal(partitions.conversions), partitions.step_bound(text), partitions.lift_bound(text), partitions.step_prove(text),
  partitions.attach_old(partitions.conversions), partitions.step_swap(text)
from public;
--! EndIncluded partitions/swap.sql
