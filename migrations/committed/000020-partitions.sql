--! Previous: sha1:91a315e1dcd1c69dfe2e01a87132c1fe45e14214
--! Hash: sha1:de4df9c90be80502242ff36fdcc5a5cb2b2496ce
--! Message: partitions

--! Included partitions/schema.sql
-- The home of partition maintenance: nothing in here knows tenants, roles or tables of any platform, and it works in any database. Only
-- the owner of a table can do anything with it: all functions run with the rights of whoever calls them.
create schema if not exists partitions;
comment on schema partitions is 'Range partitions by time: which there have to be, how they are made and isolated, and how they go.';

revoke all on schema partitions from public;

create or replace function partitions.version() returns integer
language sql immutable parallel safe
return 1;
comment on function partitions.version() is 'Of these functions. Goes up with every change of what they do, so that harness knows whether to renew them.';

revoke execute on function partitions.version() from public;
--! EndIncluded partitions/schema.sql
--! Included partitions/periods.sql
-- Periods are those of the wall clock of a time zone; bounds are instants. A month has as many hours as it has.

create or replace function partitions.instant(local_time timestamp, time_zone text) returns timestamptz
language sql stable strict
set search_path = ''
as $$
  -- Where clocks are set back over midnight this one comes twice, and Postgres takes the second; a day begins with the first.
  select case when earlier.at < later.at and earlier.at at time zone time_zone = local_time then earlier.at else later.at end
  from (select local_time at time zone time_zone) as later (at)
  cross join lateral (
    select (local_time - (before.at at time zone time_zone - before.at at time zone 'UTC')) at time zone 'UTC'
    from (select later.at - interval '24 hours') as before (at)
  ) as earlier (at)
$$;
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
    select bounds.starts_at, bounds.ends_at, to_char(series.local_time, pattern)
    from generate_series(date_trunc(period, from_at at time zone time_zone) - step, upto at time zone time_zone + step, step) as series (local_time)
    cross join lateral (
      select partitions.instant(series.local_time, time_zone), partitions.instant(series.local_time + step, time_zone)
    ) as bounds (starts_at, ends_at)
    where bounds.starts_at < bounds.ends_at and bounds.ends_at > from_at and bounds.starts_at <= upto
    order by series.local_time;
end
$$;
comment on function partitions.periods(text, text, timestamptz, timestamptz) is
  'The periods from that which holds the one instant to that which holds the other, both included. period: day, week (from Monday, by '
  'ISO 8601), month, quarter, year. suffix: what the name of such a partition ends with.';

revoke execute on function
  partitions.instant(timestamp, text), partitions.step(text), partitions.periods(text, text, timestamptz, timestamptz)
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
begin
  perform partitions.key(parent);
  return query
  select c.oid::pg_catalog.regclass,
    case when bound.found[1] = 'MINVALUE' then '-infinity' else trim(both '''' from bound.found[1])::pg_catalog.timestamptz end,
    case when bound.found[2] = 'MAXVALUE' then 'infinity' else trim(both '''' from bound.found[2])::pg_catalog.timestamptz end,
    bound.found is null,
    i.inhdetachpending
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid and c.relispartition
  cross join lateral (
    select regexp_match(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$')
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
language sql stable
set search_path = ''
as $$
  select lower(gap), upper(gap)
  from unnest(
    tstzmultirange(tstzrange(from_at, upto))
    - coalesce((select range_agg(tstzrange(c.starts_at, c.ends_at)) from partitions.children(parent) as c where not c.is_default), '{}')
  ) as gap
  order by 1
$$;
comment on function partitions.gaps(regclass, timestamptz, timestamptz) is 'What of [from_at, upto) no partition is for. A DEFAULT partition counts as none.';

revoke execute on function partitions.key(regclass), partitions.children(regclass), partitions.gaps(regclass, timestamptz, timestamptz) from public;
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
    manage.parent, coalesce(manage.period, known.period), coalesce(manage.time_zone, known.time_zone, 'UTC'), coalesce(manage.premake, known.premake, 3),
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
  partitions.infer_period(regclass), partitions.settings(regclass),
  partitions.manage(regclass, text, text, integer, interval, text, name)
from public;
--! EndIncluded partitions/managed.sql
--! Included partitions/isolate.sql
-- A partition that is addressed by its own name has neither the row security nor the policies of its parent. So it gets the same, and
-- nobody gets a privilege: it is reached through its parent, which asks for privileges on the parent alone.

create or replace function partitions.renamed(expression text, from_name name, to_name name, columns name[]) returns text
language sql immutable
set search_path = ''
as $$
  -- In a subquery the catalogue writes the columns of the table with its name. Literals and quoted identifiers are tokens of their own,
  -- so that nothing is changed within them; a dot before, a bracket behind or a word that is no column is something else.
  select string_agg(
    case when t.token = quote_ident(from_name) and t.next = '.' and t.previous is distinct from '.' and t.opened is distinct from '('
        and (t.column_name = '*' or t.column_name = any (select quote_ident(c) from unnest(columns) as c))
      then quote_ident(to_name) else t.token end, '' order by t.place)
  from (
    select found.token[1] as token, found.place, lag(found.token[1]) over w as previous, lead(found.token[1]) over w as next,
      lead(found.token[1], 2) over w as column_name, lead(found.token[1], 3) over w as opened
    from regexp_matches(expression, $re$('(?:[^']|'')*'|"(?:[^"]|"")*"|[[:alnum:]_$]+|.)$re$, 'g') with ordinality as found (token, place)
    window w as (order by found.place)
  ) as t
$$;
comment on function partitions.renamed(text, name, name, name[]) is 'An expression over a table, as it is over another one with the same columns.';

create or replace function partitions.policies(relation regclass, as_name name default null)
returns table (name name, command "char", permissive boolean, roles text, using_expression text, check_expression text, comment text)
language sql stable
set search_path = ''
as $$
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
  where p.polrelid = relation
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
language sql stable
set search_path = ''
as $$
  -- Of a part of a period, or of several, both ends.
  select coalesce(
    (
      select p.suffix
      from unnest(array['month', 'day', 'week', 'quarter', 'year']) as period (name)
      cross join lateral partitions.periods(period.name, time_zone, starts_at, starts_at) as p
      where isfinite(starts_at) and p.starts_at = suffix.starts_at and p.ends_at = suffix.ends_at
      limit 1
    ),
    'p' || (
      select string_agg(
        case when not isfinite(at) then 'x' else to_char(at at time zone time_zone, case when (at at time zone time_zone)::time = '0:00' then 'YYYYMMDD' else 'YYYYMMDD"t"HH24MISS' end) end,
        '_' order by place)
      from unnest(array[starts_at, ends_at]) with ordinality as bound (at, place)
    )
  )
$$;
comment on function partitions.suffix(timestamptz, timestamptz, text) is 'What the name of a partition with these bounds ends with.';

create or replace function partitions.whole_name(relation regclass) returns text
language sql stable
set search_path = ''
as $$
  select format('%I.%I', n.nspname, c.relname)
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = relation
$$;
comment on function partitions.whole_name(regclass) is 'schema.table, whatever the search_path is.';

create or replace function partitions.options_clause(options text[]) returns text
language sql immutable
set search_path = ''
as $$
  select coalesce(' with (' || string_agg(format('%s = %L', o.option_name, o.option_value), ', ') || ')', '') from pg_catalog.pg_options_to_table(options) as o
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

  -- What a partition does not have from its parent it has from the newest of the others: how it is stored, and how it is partitioned.
  select c.* into sibling
  from partitions.children(parent) as s join pg_catalog.pg_class as c on c.oid = s.child
  where not s.is_default and c.relkind in ('r', 'p')
  order by s.ends_at desc limit 1;

  plain := partitions.free_name(above.relnamespace, above.relname, partitions.suffix(starts_at, ends_at, zone));
  child := format('%s.%I', home, plain);
  options := coalesce((select format(' using %I', m.amname) from pg_catalog.pg_am as m where m.oid = sibling.relam and sibling.relkind = 'r'), '')
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
  if above.relreplident in ('f', 'n') then
    statement := format('alter table %s replica identity %s', child, case above.relreplident when 'f' then 'full' else 'nothing' end);
    return next;
  end if;
end
$$;
comment on function partitions.child_statements(regclass, timestamptz, timestamptz) is
  'What makes a partition with these bounds, in order and in one transaction; child: its name. Changes nothing.';

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
  partitions.options_clause(text[]), partitions.child_statements(regclass, timestamptz, timestamptz), partitions.lock(regclass),
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
    select g.starts_at, g.ends_at
    from partitions.periods(known.period, known.time_zone, now(), greatest(last_at, now())) as p
    cross join lateral partitions.gaps(parent, p.starts_at, p.ends_at) as g
    order by 1;
end
$$;
comment on function partitions.missing(regclass, timestamptz) is
  'The partitions that there have to be, from the current period to that which holds upto, and are not. NULL: as many periods as are made ahead for this table.';

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
  partitions.missing(regclass, timestamptz), partitions.fill(regclass, timestamptz, timestamptz), partitions.ensure(regclass, timestamptz)
from public;
--! EndIncluded partitions/ensure.sql

-- These leave children like their parent.
--! Included tenancy/isolate-children.sql
-- Partitions and inheritance children are reached through their parent only: row security of the parent does not apply to whoever
-- names a child. So they have no privileges. Where there is a schema partitions, they also get their parent's policies, for the day
-- that somebody grants some; elsewhere they have row security without a policy, which is shut.
create or replace function tenancy.isolate_children(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  child record;
begin
  for child in
    with recursive tree as (
      select inhrelid from pg_catalog.pg_inherits where inhparent = target
      union
      select i.inhrelid from pg_catalog.pg_inherits as i join tree on i.inhparent = tree.inhrelid
    )
    select c.oid::pg_catalog.regclass as name, c.relkind in ('r', 'p') as has_row_security
    from tree join pg_catalog.pg_class as c on c.oid = tree.inhrelid
    order by c.oid
  loop
    execute format('revoke all on table %s from public, authenticated, anonymous, app_background', child.name);
    continue when not child.has_row_security;
    execute format('alter table %s enable row level security, force row level security', child.name);
    if to_regprocedure('partitions.isolate(regclass, regclass)') is not null then
      perform partitions.isolate(target, child.name);
    end if;
  end loop;
end
$$;

comment on function tenancy.isolate_children(regclass) is
  'Takes the privileges of tenants and jobs from the children of a protected table, and gives them its row security, with its '
  'policies where schema partitions exists. protect(), append_only() and outbox.register() call it.';

revoke execute on function tenancy.isolate_children(regclass) from public;
--! EndIncluded tenancy/isolate-children.sql
--! Included tenancy/protect.sql
-- All that isolates a table, in one call that may be repeated. After adding a partition by hand it has to be: a partition
-- addressed by its own name does not have the row security of its parent.
create or replace function tenancy.protect(target regclass, tenant_column name) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  -- Where tenants may read some columns only, it stays so: what they read instead is a view that masks the others.
  readable constant pg_catalog.text := (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_catalog.pg_attribute as a
    where a.attrelid = target
      and exists (select from aclexplode(a.attacl) as g where g.grantee = to_regrole('authenticated') and g.privilege_type = 'SELECT')
      and not exists (
        select from pg_catalog.pg_class as c, aclexplode(c.relacl) as g
        where c.oid = target and g.grantee = to_regrole('authenticated') and g.privilege_type = 'SELECT'
      )
  );
begin
  perform tenancy.assert_protectable(target, tenant_column);

  -- All privileges go first, since TRUNCATE, TRIGGER, REFERENCES and MAINTAIN know no rows. The floor is restrictive and
  -- for every role there will ever be, so that no careless permissive policy opens anything. Its OR also keeps the
  -- planner from applying the selectivity of the same comparison twice.
  execute format(
    $sql$
      alter table %1$s enable row level security, force row level security;

      revoke all on table %1$s from public, authenticated, anonymous, app_background;
      grant select%5$s, %2$s on table %1$s to authenticated;
      grant select, %2$s on table %1$s to app_background;

      drop policy if exists tenant_access on %1$s;
      create policy tenant_access on %1$s as permissive for all to authenticated
        using (%3$s) with check (%3$s);
      comment on policy tenant_access on %1$s is 'A tenant reaches its own rows.';

      drop policy if exists background_access on %1$s;
      create policy background_access on %1$s as permissive for all to app_background
        using (%4$s) with check (%4$s);
      comment on policy background_access on %1$s is 'A named background job reaches the rows of every tenant.';

      drop policy if exists tenant_floor on %1$s;
      create policy tenant_floor on %1$s as restrictive for all to public
        using (%3$s or %4$s) with check (%3$s or %4$s);
      comment on policy tenant_floor on %1$s is 'Whatever other policies say, nobody gets past this.';
    $sql$,
    target,
    case
      when exists (select from pg_catalog.pg_policy where polrelid = target and polname = 'append_only_update')
      then 'insert'
      else 'insert, update, delete'
    end,
    format('%I = (select public.current_restaurant_id())', tenant_column),
    '(select tenancy.is_background())',
    ' (' || readable || ')'
  );

  perform tenancy.isolate_children(target);
end
$$;

comment on function tenancy.protect(regclass, name) is
  'Isolates the rows of a table by its tenant column: sets its privileges, forces row security on it and its '
  'children, and makes the policies tenant_access, background_access and tenant_floor. Leaves other policies '
  'alone, and SELECT by column where tenants have no more.';

create or replace function tenancy.assert_protectable(target regclass, tenant_column name) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  kind constant pg_catalog."char" := (select relkind from pg_catalog.pg_class where oid = target);
  parent constant pg_catalog.regclass := (
    select p.oid
    from pg_catalog.pg_inherits as i join pg_catalog.pg_class as p on p.oid = i.inhparent
    where i.inhrelid = target and p.relrowsecurity
    limit 1
  );
  missing constant pg_catalog.text := (
    select string_agg(role, ', ')
    from unnest(array['authenticated', 'anonymous', 'app_background']) as role
    where to_regrole(role) is null
  );
  attribute record;
begin
  if target is null or tenant_column is null then
    raise null_value_not_allowed using message = 'tenancy.protect() needs a table and its tenant column';
  end if;
  if missing is not null then
    raise undefined_object using
      message = format('these roles of tenant isolation do not exist: %s', missing),
      hint = 'Run "harness setup" on this branch first.';
  end if;
  if kind not in ('r', 'p') then
    raise wrong_object_type using
      message = format('%s is not a table', target),
      hint = 'Only tables have row security: protect those that it reads.';
  end if;
  if parent is not null then
    raise wrong_object_type using
      message = format('%s is a child of %s, which has row security', target, parent),
      hint = 'Protect the parent: that shuts its children.';
  end if;

  select atttypid::pg_catalog.regtype as type, attnotnull as required
  into attribute
  from pg_catalog.pg_attribute
  where attrelid = target and attname = tenant_column and attnum > 0 and not attisdropped;

  if not found then
    raise undefined_column using
      message = format('%s has no column %I', target, tenant_column),
      hint = 'Add one: a policy that looks the tenant up in another table is slow and easy to get wrong.';
  end if;
  if attribute.type <> 'pg_catalog.uuid'::pg_catalog.regtype then
    raise datatype_mismatch using
      message = format('the tenant column %I of %s is of type %s', tenant_column, target, attribute.type),
      hint = 'Make it a uuid, as tenants are: a cast in the policy would keep queries off the index.';
  end if;
  if not attribute.required then
    raise object_not_in_prerequisite_state using
      message = format('the tenant column %I of %s may be NULL', tenant_column, target),
      hint = format('Give every row a tenant, then: alter table %s alter column %I set not null;', target, tenant_column);
  end if;
end
$$;

comment on function tenancy.assert_protectable(regclass, name) is
  'Raises an error, with the cure in its hint, if tenancy.protect() could not isolate the table.';

revoke execute on function
  tenancy.protect(regclass, name),
  tenancy.assert_protectable(regclass, name)
from public;
--! EndIncluded tenancy/protect.sql
--! Included tenancy/append-only.sql
-- For records of what happened. The privileges say so; the restrictive policies are for the day somebody grants more.
create or replace function tenancy.append_only(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = target and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(target::pg_catalog.text, 'NULL')),
      hint = 'Call tenancy.protect() first.';
  end if;

  execute format(
    $sql$
      revoke update, delete, truncate on table %1$s from public, authenticated, anonymous, app_background;

      drop policy if exists append_only_update on %1$s;
      create policy append_only_update on %1$s as restrictive for update to public using (false);
      comment on policy append_only_update on %1$s is 'Nobody changes a row.';

      drop policy if exists append_only_delete on %1$s;
      create policy append_only_delete on %1$s as restrictive for delete to public using (false);
      comment on policy append_only_delete on %1$s is 'Nobody deletes a row.';
    $sql$,
    target
  );
  perform tenancy.isolate_children(target);
end
$$;

comment on function tenancy.append_only(regclass) is
  'Makes a protected table one that tenants and background jobs may read and add to, and no more. '
  'tenancy.protect() leaves it so.';

revoke execute on function tenancy.append_only(regclass) from public;
--! EndIncluded tenancy/append-only.sql
