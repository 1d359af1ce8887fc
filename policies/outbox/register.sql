-- Makes a queue of a protected table that has the columns of public.capacity_outbox: adds those of the lease, says what tenants
-- may do, and announces inserts. May be repeated. The indexes come by themselves, outbox.index_statements().

create or replace function outbox.announce() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  -- The same text in one transaction goes out once; NOTIFY takes a lock of the whole cluster at commit, so that one for each row,
  -- or for what nobody can send yet, would be dear.
  if exists (select from inserted as i where i.status = 'pending' and i.next_attempt_at <= clock_timestamp()) then
    perform pg_notify(tg_argv[0], tg_relid::pg_catalog.regclass::pg_catalog.text);
  end if;
  return null;
end
$$;
comment on function outbox.announce() is 'After a statement that inserted something due: NOTIFY with the name of the queue.';
revoke execute on function outbox.announce() from public;

-- Whatever a tenant writes, by enqueue() or by a raw INSERT, has to be harmless to the arithmetic of claims and sweeps and to the memory of
-- a dispatcher. Sizes are looked at while an event waits, not with each of its changes: the text of a large payload has its price.
create or replace function outbox.bound(queue regclass, attributes name[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  sizes constant pg_catalog.text := format(
    'check (status <> ''pending'' or octet_length(event_type) <= 500 and octet_length(coalesce(dedupe_key, '''')) <= 1000 '
    'and octet_length(coalesce(idempotency_key, '''')) <= 1000 and octet_length(payload::pg_catalog.text) <= 1048576%s)',
    (select string_agg(format(' and octet_length(coalesce(%I::pg_catalog.text, '''')) <= 10000', a), '' order by a) from unnest(attributes) as a));
  wanted record;
begin
  for wanted in
    select * from (values
      ('outbox_times',
        'check (next_attempt_at between ''2000-01-01 00:00:00+00'' and ''9999-12-31 00:00:00+00'' '
        'and created_at between ''2000-01-01 00:00:00+00'' and ''9999-12-31 00:00:00+00'')',
        'Times that can be added to and subtracted from without an overflow.'),
      ('outbox_sizes', sizes,
        'The payload may have 1 MiB as text, the type 500 bytes, keys 1,000, so that they fit into the index, other columns 10,000.')
    ) as v (name, definition, meaning)
  loop
    -- The comment tells which definition it has: what Postgres makes of it reads differently.
    continue when exists (
      select from pg_catalog.pg_constraint as c
      where c.conrelid = bound.queue and c.conname = wanted.name
        and pg_catalog.obj_description(c.oid, 'pg_constraint') = wanted.meaning || ' ' || md5(wanted.definition));
    execute format('alter table %s drop constraint if exists %I, add constraint %2$I %3$s', queue, wanted.name, wanted.definition);
    execute format('comment on constraint %I on %s is %L', wanted.name, queue, wanted.meaning || ' ' || md5(wanted.definition));
  end loop;
exception
  when check_violation then
    raise check_violation using
      message = format('%s has events beyond the bounds %s', queue, wanted.name),
      hint = format('Change or delete as a background job what is not within: %s', wanted.definition);
end
$$;
comment on function outbox.bound(regclass, name[]) is
  'Bounds of what an event may hold, as constraints of its queue; part of outbox.register(). An error if an event is there that is beyond them.';
revoke execute on function outbox.bound(regclass, name[]) from public;

create or replace function outbox.register(
  queue regclass,
  attributes name[] default '{}',
  keyless_once boolean default false,
  channel text default 'outbox'
) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  missing pg_catalog.text;
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = queue and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(queue::pg_catalog.text, 'NULL')), hint = 'Call tenancy.protect() first.';
  end if;
  select string_agg(wanted, ', ') into missing
  from unnest(array['restaurant_id', 'id', 'event_type', 'payload', 'dedupe_key', 'idempotency_key', 'status', 'attempts', 'next_attempt_at',
    'locked_until', 'locked_by', 'last_error', 'created_at', 'finished_at'] || attributes::pg_catalog.text[]) as wanted
  where not exists (select from pg_catalog.pg_attribute where attrelid = queue and attname = wanted and not attisdropped);
  if missing is not null then
    raise undefined_column using message = format('%s has no column %s', queue, missing), hint = 'A queue has the columns of public.capacity_outbox.';
  end if;

  -- Old versions of rows are what makes a queue slow: they go before they are a fiftieth of it, not a fifth.
  execute format(
    $sql$
      alter table %1$s
        add column if not exists lease_token bigint not null default 0,
        add column if not exists max_attempts integer not null default 12,
        add column if not exists dead_reason text,
        add column if not exists lost_leases integer not null default 0,
        set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
      comment on column %1$s.lease_token is 'Counts the leases. Whoever acknowledges has to name the latest: one that lost its lease has an older.';
      comment on column %1$s.lost_leases is
        'Leases in a row that ended while its handler was at work: its worker died or stood still. The first is not counted as an attempt, since '
        'another event may have been the cause; from then on it is handled beside no other such event. More than 5: dead.';
      comment on column %1$s.max_attempts is 'After so many attempts it is dead: with the defaults after an hour of failing, on average.';
      comment on column %1$s.dead_reason is 'Why it is dead: attempts, lease_expired, rejected, duplicate; NULL if something else buried it.';

      drop policy if exists outbox_enqueue on %1$s;
      create policy outbox_enqueue on %1$s as restrictive for insert to public
        with check (
          (select tenancy.is_background())
          or status = 'pending' and attempts = 0 and lease_token = 0 and lost_leases = 0 and locked_until is null and locked_by is null
          and last_error is null and dead_reason is null and max_attempts between 1 and 100
        );
      comment on policy outbox_enqueue on %1$s is 'Tenants add events that wait, and none that look as if somebody had worked on them.';
      drop policy if exists outbox_settle on %1$s;
      create policy outbox_settle on %1$s as restrictive for update to public using ((select tenancy.is_background()));
      comment on policy outbox_settle on %1$s is 'Only background jobs change an event.';
      drop policy if exists outbox_remove on %1$s;
      create policy outbox_remove on %1$s as restrictive for delete to public using ((select tenancy.is_background()));
      comment on policy outbox_remove on %1$s is 'Only background jobs delete an event.';

    $sql$, queue);
  perform tenancy.isolate_children(queue);
  perform outbox.bound(queue, attributes);
  -- The channel is an argument, so that whoever may insert needs to read nothing else.
  if channel is null then
    execute format('drop trigger if exists outbox_announce on %s', queue);
  else
    execute format(
      $sql$
        create or replace trigger outbox_announce after insert on %1$s
          referencing new table as inserted for each statement execute function outbox.announce(%2$L);
        comment on trigger outbox_announce on %1$s is 'Wakes the dispatchers.';
      $sql$, queue, channel);
  end if;

  insert into outbox.queues as q (queue, channel, keyless_once, attributes)
  values (queue, channel, keyless_once, attributes)
  on conflict on constraint queues_pkey do update
    set channel = excluded.channel, keyless_once = excluded.keyless_once, attributes = excluded.attributes;
  insert into outbox.cursors (queue) values (queue) on conflict on constraint cursors_pkey do nothing;
end
$$;
comment on function outbox.register(regclass, name[], boolean, text) is
  'Makes a queue of a protected table: columns of the lease, policies that let tenants add and read only, the trigger that wakes '
  'dispatchers. attributes: columns it has besides those of public.capacity_outbox.';

-- All are partial: a table of ten million events that are done has small indexes of those that are not.
-- * dispatch: the tenant first. One tenant's own events are found by it under row security, and the dispatcher walks from tenant to
--   tenant; with the status first, and no tenant, the dispatcher would be as fast and a tenant would read everybody's backlog.
-- * dedupe_active: the tenant first, since otherwise one tenant's key would refuse another's, who could so find out which keys there
--   are. COALESCE, since NULLS NOT DISTINCT is there from PostgreSQL 15 on only.
-- * unsettled: leases by their end, for the sweep, and the dead.
-- * finished: the other way round, for a queue that has an archive; what is in it goes there.
create or replace function outbox.index_statements(queue regclass) returns table (name text, statement text)
language sql stable
set search_path = ''
as $$
  select c.relname || i.suffix,
    format('create %sindex concurrently if not exists %I on %s %s', i.kind, c.relname || i.suffix, q.queue,
      i.definition || case when i.kind <> '' and not q.keyless_once then ' and coalesce(dedupe_key, idempotency_key) is not null' else '' end)
  from outbox.registered(index_statements.queue) as q
  join pg_catalog.pg_class as c on c.oid = q.queue
  cross join (values
    (1, '_dispatch_idx', '', $i$(restaurant_id, next_attempt_at, id) where status = 'pending'$i$),
    (2, '_dedupe_active_idx', 'unique ',
      $i$(restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing')$i$),
    (3, '_unsettled_idx', '', $i$(status, locked_until) where status in ('processing', 'dead')$i$),
    (4, '_finished_idx', '', $i$(finished_at) where status = 'done'$i$)
  ) as i (place, suffix, kind, definition)
  where i.suffix <> '_finished_idx' or q.archive is not null
  order by i.place
$$;
comment on function outbox.index_statements(regclass) is 'What builds the indexes of a queue, each in a transaction of its own.';

-- For a table that is in use when it becomes a queue: without this its dedupe index could not be built.
create or replace function outbox.bury_duplicates(queue regclass) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  buried pg_catalog.int8;
begin
  perform outbox.require_job();
  if known.keyless_once then
    execute format(
      $sql$ update %s set dedupe_key = 'event-' || id where status in ('pending', 'processing') and dedupe_key is null and idempotency_key is null $sql$,
      known.queue);
  end if;
  execute format(
    $sql$
      update %1$s as q set status = 'dead', dead_reason = 'duplicate', finished_at = clock_timestamp(), locked_until = null, locked_by = null
      from (
        select d.restaurant_id, d.id, row_number() over (
          partition by d.restaurant_id, d.event_type, coalesce(d.dedupe_key, ''), coalesce(d.idempotency_key, '')
          order by d.status = 'processing' desc, d.id) as place
        from %1$s as d where d.status in ('pending', 'processing') and coalesce(d.dedupe_key, d.idempotency_key) is not null
      ) as found
      where q.restaurant_id = found.restaurant_id and q.id = found.id and found.place > 1
    $sql$, known.queue);
  get diagnostics buried = row_count;
  return buried;
end
$$;
comment on function outbox.bury_duplicates(regclass) is
  'Of waiting events that are the same one leaves the first; the others are dead, with reason duplicate. Events without keys get '
  'one each. How many were buried. For background jobs.';

revoke execute on function
  outbox.register(regclass, name[], boolean, text), outbox.index_statements(regclass), outbox.bury_duplicates(regclass)
from public;
grant execute on function outbox.index_statements(regclass), outbox.bury_duplicates(regclass) to app_background;
