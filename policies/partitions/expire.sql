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
  -- DETACH checks referencing rows as the current role, so it misses rows that row security hides.
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
