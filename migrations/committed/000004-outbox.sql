--! Previous: sha1:bf5da8052a9b182c242e9ae749ddca8246b6237c
--! Hash: sha1:e041792a55722a9b1ad0e97c4000d3dcb6692cd2
--! Message: outbox

-- Source: policies/outbox/ (edit there, then harness commit --pack outbox)

--! Included outbox/schema.sql
-- The home of the outbox: tenants enqueue, background jobs dispatch. All of its functions run with the rights of whoever calls
-- them, so that row security decides what a tenant reaches.
create schema if not exists outbox;
comment on schema outbox is 'Events written in the transaction they tell of and delivered at least once, fairly between tenants.';

revoke all on schema outbox from public;
grant usage on schema outbox to authenticated, app_background;
--! EndIncluded outbox/schema.sql
--! Included outbox/queues.sql
-- Which tables are queues, and how far each has been worked through. What changes with every claim stands apart from what is
-- configured, in a row of its own, so that its old versions are few pages and nobody who enqueues reads them.

create table if not exists outbox.queues (
  queue regclass primary key,
  channel text check (channel ~ '^[a-z_][a-z0-9_]{0,62}$'),
  lag interval not null default '5 seconds' check (lag >= '0' and lag <= '1 day'),
  backoff_base interval not null default '5 seconds' check (backoff_base > '0' and backoff_base <= '1 day'),
  backoff_cap interval not null default '1 hour' check (backoff_cap > '0' and backoff_cap <= '1 year'),
  keyless_once boolean not null default false,
  attributes name[] not null default '{}'
);
comment on table outbox.queues is 'The tables that the functions of this schema work on, and no others.';
comment on column outbox.queues.channel is 'NOTIFY goes there after an insert of something due, at most once a transaction; NULL: nowhere.';
comment on column outbox.queues.lag is 'How far the floor stays behind the oldest event. Longer than transactions that enqueue take as a rule: what commits later waits for a sweep. Shorter is faster while VACUUM is held back.';
comment on column outbox.queues.backoff_base is 'The n-th retry comes after a random time of up to base * 2^(n-1).';
comment on column outbox.queues.backoff_cap is 'Longest back-off.';
comment on column outbox.queues.keyless_once is 'Whether events of a type that are inserted with neither key count as the same one.';
comment on column outbox.queues.attributes is 'Columns that this queue has besides those that all have.';

alter table outbox.queues add column if not exists archive regclass;
comment on column outbox.queues.archive is 'Where outbox.archive() puts events that are done: see outbox.register_archive(). NULL: they stay.';

create table if not exists outbox.cursors (
  queue regclass primary key references outbox.queues (queue),
  position uuid not null default '00000000-0000-0000-0000-000000000000',
  floor timestamptz not null default '-infinity',
  behind uuid[] not null default '{}',
  behind_floor timestamptz not null default '-infinity',
  claims bigint not null default 0,
  swept_at timestamptz
) with (fillfactor = 10, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
comment on table outbox.cursors is 'Where the next claim goes on.';
comment on column outbox.cursors.position is 'The tenant that was served last: the next claim begins after it.';
comment on column outbox.cursors.floor is
  'Claims look at no event that is due before this: what lies there is dead to the index, or came late and is found by the next sweep.';
comment on column outbox.cursors.behind is
  'The few tenants whose backlog is older than the floor, in the order of their ids: one large backlog must not hold down the floor of all others.';
comment on column outbox.cursors.behind_floor is 'Their floor.';
comment on column outbox.cursors.claims is 'How many there were; every 50th raises the floor.';

revoke all on table outbox.queues, outbox.cursors from public, authenticated, anonymous, app_background;
grant select on table outbox.queues to authenticated, app_background;
grant select, update on table outbox.cursors to app_background;

alter table outbox.cursors enable row level security;
drop policy if exists background_access on outbox.cursors;
create policy background_access on outbox.cursors for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.cursors is 'A named background job moves the cursors.';

-- The only way by which a table gets into a statement of this schema.
create or replace function outbox.registered(queue regclass) returns outbox.queues
language plpgsql stable
set search_path = ''
as $$
declare
  known outbox.queues;
begin
  select * into known from outbox.queues as q where q.queue = registered.queue;
  if known.queue is null then
    raise undefined_object using
      message = format('%s is no queue', coalesce(queue::pg_catalog.text, 'NULL')), hint = 'The owner makes it one: see outbox.register().';
  end if;
  return known;
end
$$;
comment on function outbox.registered(regclass) is 'What is configured of a queue; an error if the table is none.';

create or replace function outbox.require_job() returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'SET LOCAL ROLE app_background, then tenancy.set_job(…), in the same transaction.';
  end if;
end
$$;
comment on function outbox.require_job() is 'An error unless this transaction is a named background job.';

revoke execute on function outbox.registered(regclass), outbox.require_job() from public;
grant execute on function outbox.registered(regclass) to authenticated, app_background;
grant execute on function outbox.require_job() to app_background;
--! EndIncluded outbox/queues.sql
--! Included outbox/register.sql
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
--! EndIncluded outbox/register.sql
--! Included outbox/workers.sql
-- Who dispatches, and which events their handlers have begun. A worker that dies takes down whatever it had: what was only leased is tried
-- again as if nothing had happened, and only what was at work can have been the cause. Starts are added in groups, a row each, and never
-- looked up but by a sweep that found a dead worker: while VACUUM is held back, a row changed over and over would get slower and slower.

create table if not exists outbox.workers (
  queue regclass references outbox.queues (queue),
  worker text,
  seen_at timestamptz not null default clock_timestamp(),
  circuits jsonb not null default '{}' check (jsonb_typeof(circuits) = 'object'),
  primary key (queue, worker)
);
comment on table outbox.workers is 'Dispatchers that say what they begin. One that is not here counts as having begun all that it leased.';
comment on column outbox.workers.worker is 'As in locked_by. Never the same for two processes.';
comment on column outbox.workers.seen_at is 'When it last reported: about as often as it sweeps.';
comment on column outbox.workers.circuits is
  'Tenants whose handlers keep failing or not answering, and that it leaves alone for now: {"tenant": {"failures": …, "until": …}}.';

create table if not exists outbox.starts (
  queue regclass not null references outbox.queues (queue),
  worker text not null,
  tenants uuid[] not null,
  ids bigint[] not null,
  tokens bigint[] not null
);
comment on table outbox.starts is 'Events whose handlers a worker has begun or is about to begin, in groups; some of them are finished.';
comment on column outbox.starts.tokens is 'Of the leases: begun again under another lease, it is another start.';

revoke all on table outbox.workers, outbox.starts from public, authenticated, anonymous, app_background;
grant select, insert, update, delete on table outbox.workers, outbox.starts to app_background;
alter table outbox.workers enable row level security;
alter table outbox.starts enable row level security;
drop policy if exists background_access on outbox.workers;
create policy background_access on outbox.workers for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.workers is 'A named background job reports.';
drop policy if exists background_access on outbox.starts;
create policy background_access on outbox.starts for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.starts is 'A named background job says what it begins.';

create or replace function outbox.start(
  worker text, tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  insert into outbox.starts as s (queue, worker, tenants, ids, tokens) values (queue, worker, tenants, ids, tokens);
end
$$;
comment on function outbox.start(text, uuid[], bigint[], bigint[], regclass) is
  'Says that a worker begins these events now. Commit before you begin. For background jobs that call outbox.report() too.';

create or replace function outbox.report(
  worker text, tenants uuid[] default '{}', ids bigint[] default '{}', tokens bigint[] default '{}', circuits jsonb default '{}',
  queue regclass default 'public.capacity_outbox'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  insert into outbox.workers as w (queue, worker, circuits) values (queue, worker, circuits)
  on conflict on constraint workers_pkey do update set seen_at = clock_timestamp(), circuits = excluded.circuits;
  delete from outbox.starts as s where s.queue = report.queue and s.worker = report.worker;
  if cardinality(ids) > 0 then
    perform outbox.start(worker, tenants, ids, tokens, queue);
  end if;
  -- Leases are a day long at most, and pauses between reports an hour.
  with gone as (
    delete from outbox.workers as w where w.queue = report.queue and w.seen_at < clock_timestamp() - interval '2 days' returning w.worker
  )
  delete from outbox.starts as s using gone as g where s.queue = report.queue and s.worker = g.worker;
end
$$;
comment on function outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass) is
  'Says that a worker is there, which events it is at work on, in place of all that it said before, and whom it leaves alone. Call it before '
  'the first claim and every few seconds. For background jobs.';

create or replace function outbox.leave(worker text, queue regclass default 'public.capacity_outbox') returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  delete from outbox.starts as s where s.queue = leave.queue and s.worker = leave.worker;
  delete from outbox.workers as w where w.queue = leave.queue and w.worker = leave.worker;
end
$$;
comment on function outbox.leave(text, regclass) is 'A worker that holds nothing any more is gone. For background jobs.';

revoke execute on function
  outbox.start(text, uuid[], bigint[], bigint[], regclass), outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass),
  outbox.leave(text, regclass)
from public;
grant execute on function
  outbox.start(text, uuid[], bigint[], bigint[], regclass), outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass),
  outbox.leave(text, regclass)
to app_background;
--! EndIncluded outbox/workers.sql
--! Included outbox/enqueue.sql
-- Call this in the transaction that makes the change, so that the event and the change commit together.
create or replace function outbox.enqueue(
  event_type text,
  payload jsonb default '{}',
  dedupe_key text default null,
  idempotency_key text default null,
  not_before timestamptz default null,
  attributes jsonb default '{}',
  tenant uuid default null,
  queue regclass default 'public.capacity_outbox'
) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  whose constant pg_catalog.uuid := coalesce(tenant, public.require_restaurant_context());
  -- An event that names no key is nobody's duplicate.
  own_key constant pg_catalog.text := coalesce(dedupe_key, case when idempotency_key is null then gen_random_uuid()::pg_catalog.text end);
  unknown constant pg_catalog.text := (select string_agg(k, ', ') from jsonb_object_keys(attributes) as k where k <> all (known.attributes));
  extra_columns constant pg_catalog.text := coalesce((select string_agg(format(', %I', a), '') from unnest(known.attributes) as a), '');
  extra_values constant pg_catalog.text := coalesce((select string_agg(format(', r.%I', a), '') from unnest(known.attributes) as a), '');
  event_id pg_catalog.int8;
begin
  if unknown is not null then
    raise undefined_column using
      message = format('events of %s have no attribute %s', queue, unknown),
      hint = format('They have: %s.', coalesce(nullif(array_to_string(known.attributes, ', '), ''), 'none'));
  end if;
  if not coalesce(not_before between '2000-01-01 00:00:00+00' and '9999-12-31 00:00:00+00', true) then
    raise datetime_field_overflow using
      message = format('not_before is %s', not_before), hint = 'Give a time between the years 2000 and 9999, or none for at once.';
  end if;
  for attempt in 1 .. 10 loop
    execute format(
      $sql$
        insert into %1$s (restaurant_id, event_type, payload, dedupe_key, idempotency_key, next_attempt_at%2$s)
        select $1, $2, $3, $4, $5, coalesce($6, now())%3$s from jsonb_populate_record(null::%1$s, $7) as r
        on conflict do nothing
        returning id
      $sql$, queue, extra_columns, extra_values)
    into event_id
    using whose, event_type, coalesce(payload, '{}'), own_key, idempotency_key, not_before, coalesce(attributes, '{}');
    exit when event_id is not null;
    execute format(
      $sql$
        select q.id from %1$s as q
        where q.restaurant_id = $1 and q.event_type = $2 and coalesce(q.dedupe_key, '') = coalesce($3, '')
          and coalesce(q.idempotency_key, '') = coalesce($4, '') and q.status in ('pending', 'processing')
      $sql$, queue)
    into event_id using whose, event_type, own_key, idempotency_key;
    -- Between the two statements it may have been finished: then there is room for a new one.
    exit when event_id is not null;
  end loop;
  if event_id is null then
    raise serialization_failure using message = 'the same event was added and finished again and again', hint = 'Repeat the transaction.';
  end if;
  return event_id;
end
$$;
comment on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) is
  'Adds an event of the tenant in the context and returns its id; if one with the same type and keys waits already, or is being sent, '
  'its id. tenant: for background jobs, which have no context. not_before: no attempt earlier than that. attributes: the columns that '
  'this queue has of its own, such as {"destination": "email"}.';

revoke execute on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) from public;
grant execute on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) to authenticated, app_background;
--! EndIncluded outbox/enqueue.sql
--! Included outbox/claim.sql
-- Fair between tenants: a claim goes from tenant to tenant, beginning after the one that was served last, and takes a few events of
-- each. Who has a million waiting gets as many of a batch as who has ten. Nothing in it grows with the backlog:
-- * the walk jumps over the dispatch index from one tenant with something pending to the next, and stops when the batch is full;
-- * with each tenant it begins at the floor, below which the index holds little but entries of rows that are done; while some
--   long transaction keeps VACUUM from removing these, walking over them is what makes a queue slower and slower;
-- * what is locked is skipped, the row with the cursor too: dispatchers do not wait for each other.
-- A dispatcher says whom it can take how much of: a tenant whose handlers hang must not fill up its hands.

-- The start of a statement: the tenants that have something pending, in the order of their ids, each with its earliest. Read from it as
-- far as you need, and it does no more than that. Parameters: $1 position, $2 floor, $3 tenants that are behind, $4 their floor.
create or replace function outbox.tenants_clause(queue regclass, side text) returns text
language sql stable
set search_path = ''
as $$
  select format(
    $sql$
      with recursive tenant (restaurant_id, earliest) as (
        (%s)
        union all
        select n.restaurant_id, n.next_attempt_at from tenant as t cross join lateral (%s) as n
      )
    $sql$,
    replace(head.statement, ':bound', bound.condition),
    replace(head.statement, ':bound', 'x.restaurant_id > t.restaurant_id and ' || bound.condition))
  from outbox.registered(tenants_clause.queue) as known
  cross join lateral (
    select case side when 'after' then 'x.restaurant_id > $1' when 'up to' then 'x.restaurant_id <= $1' when 'all' then 'true' end
  ) as bound (condition)
  cross join lateral (
    select format(
      $sql$
        select m.restaurant_id, m.next_attempt_at
        from (
          (select x.restaurant_id, x.next_attempt_at from %1$s as x
           where x.status = 'pending' and x.next_attempt_at >= $2 and :bound
           order by x.restaurant_id, x.next_attempt_at limit 1)
          union all
          (select x.restaurant_id, f.next_attempt_at from unnest($3) as x (restaurant_id)
           cross join lateral (
             select q.next_attempt_at from %1$s as q
             where q.status = 'pending' and q.restaurant_id = x.restaurant_id and q.next_attempt_at >= $4
             order by q.restaurant_id, q.next_attempt_at limit 1
           ) as f
           where :bound limit 1)
        ) as m
        order by m.restaurant_id, m.next_attempt_at limit 1
      $sql$, known.queue)
  ) as head (statement)
$$;
comment on function outbox.tenants_clause(regclass, text) is
  'WITH … tenant (restaurant_id, earliest): those with something pending, after or up to a position, or all; part of outbox.claim().';

-- A function of its own, so that its plan can be looked at: EXPLAIN (ANALYZE) what this returns, with values for its parameters.
create or replace function outbox.walk_statement(queue regclass, side text) returns text
language sql stable
set search_path = ''
as $$
  select outbox.tenants_clause(queue, side) || format(
    $sql$,
      chosen as (
        select e.restaurant_id, e.id from tenant as t
        cross join lateral (select coalesce(($9)[array_position($8, t.restaurant_id)], $10) as allowed) as a
        cross join lateral (
          select q.restaurant_id, q.id from %1$s as q
          where q.status = 'pending' and q.restaurant_id = t.restaurant_id and q.next_attempt_at >= t.earliest and q.next_attempt_at <= $5
          order by q.next_attempt_at, q.id
          limit least($6, a.allowed)
          for update skip locked
        ) as e
        where t.earliest <= $5
        limit $7
      )
      select coalesce(array_agg(c.restaurant_id), '{}') as tenants, coalesce(array_agg(c.id), '{}') as ids from chosen as c
    $sql$, known.queue)
  from outbox.registered(walk_statement.queue) as known
$$;
comment on function outbox.walk_statement(regclass, text) is
  'One pass of outbox.claim() over the tenants after, or up to, a position ($1): locks events that are due by now ($5), at most $6 of each '
  'tenant and $7 in all, from the floor ($2) on, or from $4 for the tenants $3. The tenants $8 may have $9 each, the others $10.';

-- Of before the allowances.
drop function if exists outbox.claim(text, integer, integer, interval, regclass);

create or replace function outbox.claim(
  worker text,
  max_events integer default 100,
  per_tenant integer default 1,
  lease interval default '1 minute',
  queue regclass default 'public.capacity_outbox',
  allowed_tenants uuid[] default '{}',
  allowances integer[] default '{}',
  allowance integer default null
) returns table (
  tenant uuid, id bigint, token bigint, attempt integer, event_type text, payload jsonb, dedupe_key text, idempotency_key text,
  created_at timestamptz, leased_until timestamptz, attributes jsonb, lost_leases integer
)
language plpgsql
set search_path = ''
-- Statistics of a queue are stale by nature, and a plan that believes them sorts or scans the whole of it, or walks over the primary
-- key past all that is done. Only what comes in the order of the dispatch index is left to choose. Compiling such a plan would take
-- longer than running it.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set enable_incremental_sort = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  now constant pg_catalog.timestamptz := clock_timestamp();
  own_columns constant pg_catalog.text := (select string_agg(format('%L, q.%I', a, a), ', ') from unnest(known.attributes) as a);
  cursor_row outbox.cursors;
  cursor_is_mine pg_catalog.bool;
  last_served pg_catalog.uuid;
  share pg_catalog.int4 := per_tenant;
  claimed pg_catalog.int4 := 0;
  before_round pg_catalog.int4;
  served pg_catalog.int4;
  picked record;
  side pg_catalog.text;
  -- What is left of the allowances in this claim.
  whose pg_catalog.uuid[] := allowed_tenants;
  left_over pg_catalog.int4[] := allowances;
  -- Rows that cannot be changed, for which see the exception below. They are picked again in each round, beside the next.
  stuck pg_catalog.int4 := 0;
  stuck_before pg_catalog.int4;
  reason pg_catalog.text;
  -- Sorted, so that nothing is returned before all have been changed: what a failed statement has returned would be returned.
  lease_statement constant pg_catalog.text := format(
    $sql$
      with leased as (
        update %1$s as q
        set status = 'processing', lease_token = q.lease_token + 1, locked_by = $3, locked_until = $4
        from unnest($1, $2) with ordinality as c (restaurant_id, id, place)
        where q.restaurant_id = c.restaurant_id and q.id = c.id
        returning c.place, q.restaurant_id, q.id, q.lease_token, q.attempts + 1 as attempt, q.event_type, q.payload, q.dedupe_key,
          q.idempotency_key, q.created_at, q.locked_until, %2$s as attributes, q.lost_leases
      )
      select l.restaurant_id, l.id, l.lease_token, l.attempt, l.event_type, l.payload, l.dedupe_key, l.idempotency_key, l.created_at,
        l.locked_until, l.attributes, l.lost_leases
      from leased as l order by l.place
    $sql$, known.queue, coalesce('jsonb_build_object(' || own_columns || ')', $sql$'{}'::pg_catalog.jsonb$sql$));
begin
  perform outbox.require_job();
  if worker is null or not coalesce(max_events between 1 and 10000 and per_tenant between 1 and 10000, false)
    or not coalesce(lease between '1 second' and '1 day', false) then
    raise invalid_parameter_value using
      message = 'a claim wants a worker''s name, up to 10000 events, as many of a tenant, and a lease from a second to a day';
  end if;
  if not coalesce(cardinality(allowed_tenants) = cardinality(allowances) and 0 <= all (allowances), false) or allowance < 0 then
    raise invalid_parameter_value using message = 'allowances are numbers from 0, one for each of allowed_tenants';
  end if;

  select * into cursor_row from outbox.cursors as c where c.queue = claim.queue for update skip locked;
  cursor_is_mine := found;
  if not found then
    select * into strict cursor_row from outbox.cursors as c where c.queue = claim.queue;
  end if;
  last_served := cursor_row.position;

  -- Rounds over all tenants until the batch is full or nothing is left. The first gives each the same; further ones share out what
  -- is left among those who had something in the last.
  loop
    before_round := claimed;
    stuck_before := stuck;
    served := 0;
    foreach side in array array['after', 'up to'] loop
      execute outbox.walk_statement(queue, side) into picked
        using cursor_row.position, cursor_row.floor, cursor_row.behind, cursor_row.behind_floor, now, share + stuck,
          max_events - claimed + stuck, whose, left_over, allowance;
      continue when cardinality(picked.ids) = 0;
      last_served := picked.tenants[cardinality(picked.tenants)];
      begin
        return query execute lease_statement using picked.tenants, picked.ids, worker, now + lease;
        claimed := claimed + cardinality(picked.ids);
      exception
        -- Of the transaction or the server, not of a row.
        when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
          or lock_not_available then raise;
        when others then
          -- A row that breaks a constraint which is not valid, or that a trigger refuses: all others are leased, one by one.
          stuck := 0;
          for place in 1 .. cardinality(picked.ids) loop
            exit when claimed >= max_events;
            begin
              return query execute lease_statement
                using picked.tenants[place : place], picked.ids[place : place], worker, now + lease;
              claimed := claimed + 1;
            exception
              when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
                or lock_not_available then raise;
              when others then
                stuck := stuck + 1;
                reason := format('event %s of %s cannot be leased: %s', picked.ids[place], picked.tenants[place], sqlerrm);
            end;
          end loop;
      end;
      served := served + (select count(distinct t) from unnest(picked.tenants) as t);
      exit when claimed >= max_events;
      if cardinality(whose) > 0 or allowance is not null then
        select coalesce(array_agg(u.tenant), '{}'), coalesce(array_agg(u.remaining), '{}') into whose, left_over
        from (
          select coalesce(b.tenant, p.tenant) as tenant, greatest(coalesce(b.remaining, allowance) - coalesce(p.taken, 0), 0) + stuck as remaining
          from unnest(whose, left_over) as b (tenant, remaining)
          full join (select t as tenant, count(*)::pg_catalog.int4 as taken from unnest(picked.tenants) as t group by t) as p on p.tenant = b.tenant
          where coalesce(b.remaining, allowance) is not null
        ) as u;
      end if;
    end loop;
    exit when claimed >= max_events or claimed = before_round and stuck = stuck_before or served = 0;
    share := greatest(share, (max_events - claimed + served - 1) / served);
  end loop;
  if reason is not null then
    raise warning '%', reason;
  end if;

  if cursor_is_mine and claimed > 0 then
    update outbox.cursors as c set position = last_served, claims = c.claims + 1 where c.queue = claim.queue;
    if (cursor_row.claims + 1) % 50 = 0 then
      perform outbox.raise_floor(queue);
    end if;
  end if;
end
$$;
comment on function outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer) is
  'Leases up to max_events due events to a worker, per_tenant of each tenant in turn, and more of those who have more if the batch is '
  'not full. Acknowledge each with its token before leased_until, by outbox.ack() or outbox.fail(). attempt counts those that failed, and this '
  'one. allowed_tenants may have no more than their allowances in this claim, the others no more than allowance (NULL: as many as there are). '
  'For background jobs.';

-- Where the floor has to be for what waits now, looking from a floor on: below the earliest of every tenant but those that are behind,
-- of which there may be 50. Jumps from tenant to tenant, so it costs as much as there are tenants with a backlog. late: something waits
-- below the floors that claims go by, known.
create or replace function outbox.find_floor(
  queue regclass, known outbox.cursors, from_floor timestamptz, from_behind uuid[], from_behind_floor timestamptz,
  out floor timestamptz, out behind uuid[], out behind_floor timestamptz, out late boolean
)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
set jit = off
as $$
declare
  configured constant outbox.queues := outbox.registered(queue);
begin
  execute outbox.tenants_clause(queue, 'all') || $sql$,
      ranked as materialized (select t.restaurant_id, t.earliest, row_number() over (order by t.earliest) as place from tenant as t),
      line as (
        -- Before any time that an interval can be taken from, there is nothing but the beginning.
        select greatest($2, case when e.at >= '2000-01-01 00:00:00+00' then e.at - $5 else '-infinity' end) as floor
        from (select least((select r.earliest from ranked as r where r.place = 51), clock_timestamp()) as at) as e
      )
      select l.floor,
        coalesce(array_agg(r.restaurant_id order by r.restaurant_id) filter (where r.earliest < l.floor), '{}'),
        coalesce(min(r.earliest) filter (where r.earliest < l.floor), l.floor),
        coalesce(bool_or(r.earliest < case when r.restaurant_id = any ($6) then $7 else $8 end), false)
      from line as l left join ranked as r on true
      group by l.floor
    $sql$
  into find_floor.floor, find_floor.behind, find_floor.behind_floor, find_floor.late
  using null::pg_catalog.uuid, from_floor, from_behind, from_behind_floor, configured.lag, known.behind, known.behind_floor, known.floor;
end
$$;
comment on function outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz) is
  'Where the floor belongs, which tenants are behind it, and whether something waits where claims do not look; part of outbox.claim() and outbox.sweep().';

create or replace function outbox.raise_floor(queue regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
  known outbox.cursors;
  found_floor record;
begin
  select * into strict known from outbox.cursors as c where c.queue = raise_floor.queue for no key update;
  found_floor := outbox.find_floor(queue, known, known.floor, known.behind, known.behind_floor);
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor
  where c.queue = raise_floor.queue;
end
$$;
comment on function outbox.raise_floor(regclass) is 'Moves the floor up to what waits now, less the lag of the queue.';

revoke execute on function
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer),
  outbox.tenants_clause(regclass, text), outbox.raise_floor(regclass),
  outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz)
from public;
grant execute on function
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer),
  outbox.tenants_clause(regclass, text), outbox.raise_floor(regclass),
  outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz)
to app_background;
--! EndIncluded outbox/claim.sql
--! Included outbox/settle.sql
-- What a worker does with what it has leased. Whoever lost the lease, since it took too long, has an older token than the row: what it
-- says is ignored, and it gets to know so.
-- The status is compared by COALESCE, which no index answers: the primary key has to, since to the planner hardly any row is leased, and
-- by the index of the leases it would walk past every lease that ever was while VACUUM is held back.

create or replace function outbox.ack(
  tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = 'done', attempts = q.attempts + 1, lost_leases = 0, finished_at = clock_timestamp(), locked_until = null, locked_by = null,
        last_error = null
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens;
end
$$;
comment on function outbox.ack(uuid[], bigint[], bigint[], regclass) is
  'Marks events as done and returns those; not those whose token is not the latest: somebody else has them, or had them. For background jobs.';

create or replace function outbox.extend(
  tenants uuid[], ids bigint[], tokens bigint[], lease interval default '1 minute', queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  if not coalesce(lease between '1 second' and '1 day', false) then
    raise invalid_parameter_value using message = 'a lease is from a second to a day long';
  end if;
  return query execute format(
    $sql$
      update %s as q set locked_until = clock_timestamp() + $4
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens, lease;
end
$$;
comment on function outbox.extend(uuid[], bigint[], bigint[], interval, regclass) is
  'Lets leases end later and returns the events whose lease it was; of the others let go. For background jobs.';

-- Full jitter: after an outage everything fails at once, and must not come back at once.
create or replace function outbox.backoff(attempts integer, base interval, cap interval) returns interval
language sql volatile
return random() * least(cap, base * power(2, least(greatest(attempts, 1), 31) - 1));
comment on function outbox.backoff(integer, interval, interval) is 'A random time from nothing up to base * 2^(attempts - 1), and up to cap.';

create or replace function outbox.fail_all(
  tenants uuid[], ids bigint[], tokens bigint[], errors text[], retries boolean[], retry_afters interval[],
  queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint, status text)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = case when v.dead_reason is null then 'pending' else 'dead' end,
        dead_reason = v.dead_reason,
        attempts = q.attempts + 1,
        lost_leases = 0,
        finished_at = case when v.dead_reason is not null then clock_timestamp() end,
        next_attempt_at = case when v.dead_reason is null
          then clock_timestamp() + coalesce(least(greatest(v.retry_after, '0'), '1 year'), outbox.backoff(q.attempts + 1, $7, $8))
          else q.next_attempt_at end,
        last_error = left(v.error, 2000), locked_until = null, locked_by = null
      from (
        select c.*, case when not coalesce(c.retry, true) then 'rejected' when o.attempts + 1 >= o.max_attempts then 'attempts' end as dead_reason
        from unnest($1, $2, $3, $4, $5, $6) as c (restaurant_id, id, token, error, retry, retry_after)
        join %1$s as o on o.restaurant_id = c.restaurant_id and o.id = c.id
      ) as v
      where q.restaurant_id = v.restaurant_id and q.id = v.id and q.lease_token = v.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id, q.status
    $sql$, known.queue)
  using tenants, ids, tokens, errors, retries, retry_afters, known.backoff_base, known.backoff_cap;
end
$$;
comment on function outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass) is
  'outbox.fail() for many events: returns those that were theirs to fail, with the status that each has now. For background jobs.';

create or replace function outbox.fail(
  tenant uuid, id bigint, token bigint, error text,
  retry boolean default true, retry_after interval default null, queue regclass default 'public.capacity_outbox'
) returns text
language sql volatile
set search_path = ''
as $$
  select f.status from outbox.fail_all(array[tenant], array[id], array[token], array[error], array[retry], array[retry_after], queue) as f
$$;
comment on function outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass) is
  'Gives an event back: pending after a random back-off (or retry_after, at most a year), or dead, at its last attempt or if retry is false, '
  'which is for what will never succeed. Returns its status; NULL if the token is not the latest. For background jobs.';

create or replace function outbox.release(
  tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = 'pending', next_attempt_at = clock_timestamp(), locked_until = null, locked_by = null
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens;
end
$$;
comment on function outbox.release(uuid[], bigint[], bigint[], regclass) is
  'Gives back what has not been begun, as a worker does that stops: it is due at once and that was no attempt. For background jobs.';

revoke execute on function
  outbox.ack(uuid[], bigint[], bigint[], regclass), outbox.extend(uuid[], bigint[], bigint[], interval, regclass),
  outbox.backoff(integer, interval, interval), outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass),
  outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
from public;
grant execute on function
  outbox.ack(uuid[], bigint[], bigint[], regclass), outbox.extend(uuid[], bigint[], bigint[], interval, regclass),
  outbox.backoff(integer, interval, interval), outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass),
  outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
to app_background;
--! EndIncluded outbox/settle.sql
--! Included outbox/sweep.sql
-- What claims don't see. To be called every few seconds by whoever dispatches, on one queue by several at a time if need be. Each part
-- is worth a transaction of its own: leases come back whatever becomes of the floor.

create or replace function outbox.return_leases(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox', out returned integer, out buried integer
)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  ended record;
  counted record;
  reason pg_catalog.text;
  -- Begun or not, by what its worker has said; a worker that says nothing has begun all that it had.
  statement constant pg_catalog.text := format(
    $sql$
      with given (worker, restaurant_id, id, token) as (select * from unnest($1, $2, $3, $4)),
      begun as (
        select g.* from given as g where not exists (select from outbox.workers as w where w.queue = $5 and w.worker = g.worker)
        union all
        (select g.* from given as g
         intersect
         select s.worker, e.* from outbox.starts as s cross join unnest(s.tenants, s.ids, s.tokens) as e
         where s.queue = $5 and s.worker = any ($1))
      ),
      judged as (
        select g.restaurant_id, g.id, g.token, g in (select b from begun as b) as begun from given as g
      ),
      changed as (
        update %1$s as q
        set status = case when v.dead then 'dead' else 'pending' end,
          dead_reason = case when v.dead then 'lease_expired' end,
          finished_at = case when v.dead then clock_timestamp() end,
          attempts = v.attempts,
          lost_leases = v.lost_leases,
          -- Without delay the first time, when it was most likely the worker's fault, or another event's.
          next_attempt_at = clock_timestamp() + case when v.lost_leases > 1 then outbox.backoff(v.attempts, $6, $7) else '0' end,
          last_error = case when v.lost_leases = q.lost_leases then q.last_error else left(format('the lease of %%s expired', q.locked_by), 2000) end,
          locked_until = null, locked_by = null
        from (
          select c.*, c.attempts >= c.max_attempts or c.lost_leases > 5 as dead
          from (
            select j.restaurant_id, j.id, j.token, o.max_attempts, o.attempts + (j.begun and o.lost_leases > 0)::pg_catalog.int4 as attempts,
              o.lost_leases + j.begun::pg_catalog.int4 as lost_leases
            from judged as j join %1$s as o on o.restaurant_id = j.restaurant_id and o.id = j.id
          ) as c
        ) as v
        where q.restaurant_id = v.restaurant_id and q.id = v.id and q.lease_token = v.token and coalesce(q.status, '') = 'processing'
        returning q.status
      )
      select count(*) filter (where status = 'pending') as returned, count(*) filter (where status = 'dead') as buried from changed
    $sql$, known.queue);
begin
  perform outbox.require_job();
  execute format(
    $sql$
      select array_agg(e.locked_by) as workers, array_agg(e.restaurant_id) as tenants, array_agg(e.id) as ids, array_agg(e.lease_token) as tokens
      from (
        select o.locked_by, o.restaurant_id, o.id, o.lease_token from %s as o
        where o.status = 'processing' and o.locked_until < clock_timestamp()
        order by o.locked_until limit $1
        for update skip locked
      ) as e
    $sql$, known.queue)
  into ended using max_events;
  begin
    execute statement into returned, buried
      using ended.workers, ended.tenants, ended.ids, ended.tokens, known.queue, known.backoff_base, known.backoff_cap;
  exception
    -- Of the transaction or the server, not of a row.
    when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
      or lock_not_available then raise;
    when others then
      -- A row that cannot be changed stops no other, and those behind it have their turn whatever max_events is.
      execute format(
        $sql$
          select array_agg(o.locked_by) as workers, array_agg(o.restaurant_id) as tenants, array_agg(o.id) as ids, array_agg(o.lease_token) as tokens
          from (select * from %s as q where q.status = 'processing' and q.locked_until < clock_timestamp() for update skip locked) as o
        $sql$, known.queue)
      into ended;
      returned := 0;
      buried := 0;
      for place in 1 .. coalesce(cardinality(ended.ids), 0) loop
        exit when returned + buried >= max_events;
        begin
          execute statement into counted
            using ended.workers[place : place], ended.tenants[place : place], ended.ids[place : place], ended.tokens[place : place],
              known.queue, known.backoff_base, known.backoff_cap;
          returned := returned + counted.returned;
          buried := buried + counted.buried;
        exception
          when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
            or lock_not_available then raise;
          when others then reason := format('event %s of %s cannot be given back: %s', ended.ids[place], ended.tenants[place], sqlerrm);
        end;
      end loop;
  end;
  if reason is not null then
    raise warning '%', reason;
  end if;
end
$$;
comment on function outbox.return_leases(integer, regclass) is
  'Gives events back whose lease has ended (returned; buried: those at their last attempt, or whose lease ended so for the sixth time in a '
  'row). What its worker had not begun keeps its attempts. For background jobs.';

create or replace function outbox.lower_floor(queue regclass default 'public.capacity_outbox') returns boolean
language plpgsql
set search_path = ''
as $$
declare
  before outbox.cursors;
  found_floor record;
begin
  perform outbox.require_job();
  select * into strict before from outbox.cursors as c where c.queue = lower_floor.queue for no key update;
  found_floor := outbox.find_floor(queue, before, '-infinity', '{}', '-infinity');
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor, swept_at = clock_timestamp()
  where c.queue = lower_floor.queue;
  return found_floor.late;
end
$$;
comment on function outbox.lower_floor(regclass) is
  'Puts the floor right, looking from the beginning: true if something waited below it, because its transaction took longer than the lag or '
  'somebody gave it a time in the past. The next claims find it. For background jobs.';

-- By hand, and by dispatchers from before there were parts.
create or replace function outbox.sweep(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox',
  out returned integer, out buried integer, out late boolean
)
language plpgsql
set search_path = ''
as $$
declare
  leases record;
begin
  leases := outbox.return_leases(max_events, queue);
  returned := leases.returned;
  buried := leases.buried;
  begin
    late := outbox.lower_floor(queue);
  exception
    when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
      or lock_not_available or insufficient_privilege then raise;
    when others then raise warning 'the floor of % stays where it is: %', queue, sqlerrm;
  end;
end
$$;
comment on function outbox.sweep(integer, regclass) is
  'outbox.return_leases() and outbox.lower_floor() in one: the first stands whatever becomes of the second. For background jobs.';

-- Holds are no events, but they expire too, and nobody else goes by: whether one counts is decided by expires_at, not by this.
create or replace function outbox.expire_holds(max_holds integer default 1000) returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  expired pg_catalog.int4;
begin
  perform outbox.require_job();
  update public.holds as h set status = 'expired', updated_at = clock_timestamp()
  from (
    select o.restaurant_id, o.id from public.holds as o
    where o.status = 'active' and o.expires_at <= clock_timestamp()
    limit max_holds
    for update skip locked
  ) as due
  where h.restaurant_id = due.restaurant_id and h.id = due.id;
  get diagnostics expired = row_count;
  return expired;
end
$$;
comment on function outbox.expire_holds(integer) is 'Marks holds as expired whose time has come, and says how many. For background jobs.';

revoke execute on function
  outbox.sweep(integer, regclass), outbox.return_leases(integer, regclass), outbox.lower_floor(regclass), outbox.expire_holds(integer)
from public;
grant execute on function
  outbox.sweep(integer, regclass), outbox.return_leases(integer, regclass), outbox.lower_floor(regclass), outbox.expire_holds(integer)
to app_background;
--! EndIncluded outbox/sweep.sql
--! Included outbox/replay.sql
-- After the cause is mended. The token goes on counting, so that a worker from before cannot acknowledge what is sent again.
create or replace function outbox.replay(
  tenant uuid default null, id bigint default null, max_events integer default 1000, queue regclass default 'public.capacity_outbox'
) returns table (replayed_tenant uuid, replayed_id bigint, outcome text)
language plpgsql
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  event record;
begin
  perform outbox.require_job();
  for event in execute format(
    $sql$
      select q.restaurant_id, q.id from %s as q
      where q.status = 'dead' and ($1 is null or q.restaurant_id = $1) and ($2 is null or q.id = $2)
      order by q.finished_at, q.id limit $3 for update skip locked
    $sql$, known.queue)
    using tenant, id, max_events
  loop
    replayed_tenant := event.restaurant_id;
    replayed_id := event.id;
    begin
      execute format(
        $sql$
          update %s as q
          set status = 'pending', attempts = 0, lost_leases = 0, next_attempt_at = clock_timestamp(), finished_at = null, dead_reason = null
          where q.restaurant_id = $1 and q.id = $2
        $sql$, known.queue)
      using event.restaurant_id, event.id;
      outcome := 'replayed';
    exception
      -- One that tells the same has come since: sending both would be sending it twice.
      when unique_violation then outcome := 'waits already';
    end;
    return next;
  end loop;
end
$$;
comment on function outbox.replay(uuid, bigint, integer, regclass) is
  'Lets dead events (all, of a tenant, one) be tried again from the first attempt, the oldest first. outcome: replayed, or waits already: '
  'the same event has been added again since. For background jobs.';

revoke execute on function outbox.replay(uuid, bigint, integer, regclass) from public;
grant execute on function outbox.replay(uuid, bigint, integer, regclass) to app_background;
--! EndIncluded outbox/replay.sql
--! Included outbox/archive.sql
-- Where events go that are done. The queue itself has no partitions: its indexes are partial and small however much is done, a claim
-- needs one of them and not one for each month, and its dedupe key could not be unique over months. Its archive has: there nothing is
-- claimed and nothing has to be unique, and months that nobody asks for any more go at once.

create or replace function outbox.register_archive(queue regclass, archive regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  missing pg_catalog.text;
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = archive and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(archive::pg_catalog.text, 'NULL')), hint = 'Call tenancy.protect() first.';
  end if;
  select string_agg(w.name, ', ') into missing
  from (
    select 'archived_at' as name, archive as relation
    union all select unnest(array['restaurant_id', 'id', 'payload', 'finished_at']), archive
    union all
    select a.attname, known.queue from pg_catalog.pg_attribute as a
    where a.attrelid = archive and a.attnum > 0 and not a.attisdropped and a.attname <> 'archived_at'
  ) as w
  where not exists (
    select from pg_catalog.pg_attribute as a where a.attrelid = w.relation and a.attname = w.name and a.attnum > 0 and not a.attisdropped
  );
  if missing is not null then
    raise undefined_column using
      message = format('%s cannot be the archive of %s: %s', archive, queue, missing),
      hint = 'An archive has restaurant_id, id, payload, finished_at and archived_at, and otherwise columns of its queue only.';
  end if;

  execute format(
    $sql$
      drop policy if exists outbox_archive on %1$s;
      create policy outbox_archive on %1$s as restrictive for insert to public with check ((select tenancy.is_background()));
      comment on policy outbox_archive on %1$s is 'Only background jobs archive.';
      drop policy if exists outbox_settle on %1$s;
      create policy outbox_settle on %1$s as restrictive for update to public using ((select tenancy.is_background()));
      comment on policy outbox_settle on %1$s is 'Only background jobs change what is archived: they erase what names a guest.';
      drop policy if exists outbox_remove on %1$s;
      create policy outbox_remove on %1$s as restrictive for delete to public using ((select tenancy.is_background()));
      comment on policy outbox_remove on %1$s is 'Only background jobs delete what is archived.';
    $sql$, archive);
  perform tenancy.isolate_children(archive);
  update outbox.queues as q set archive = register_archive.archive where q.queue = known.queue;
end
$$;
comment on function outbox.register_archive(regclass, regclass) is
  'Makes a protected table the archive of a queue: tenants read their events there, background jobs add them. May be repeated. '
  'outbox.index_statements() names one index more of the queue then.';

create or replace function outbox.archive(
  queue regclass default 'public.capacity_outbox',
  older_than interval default '7 days',
  max_events integer default 1000
) returns bigint
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  columns pg_catalog.text;
  moved pg_catalog.int8;
  broken pg_catalog.text;
  row_at pg_catalog.text;
begin
  perform outbox.require_job();
  if known.archive is null then
    raise object_not_in_prerequisite_state using
      message = format('%s has no archive', queue), hint = 'The owner gives it one: see outbox.register_archive().';
  end if;
  if not coalesce(older_than >= '0' and max_events > 0, false) then
    raise invalid_parameter_value using message = 'older_than is an interval of 0 or more, max_events a number above 0';
  end if;
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
  from pg_catalog.pg_attribute as a
  where a.attrelid = known.archive and a.attnum > 0 and not a.attisdropped and a.attname <> 'archived_at';

  -- One statement: whatever happens, an event is in one of the two tables. The oldest first; what somebody is changing comes next time.
  execute format(
    $sql$
      with finished as materialized (
        select q.restaurant_id, q.id from %1$s as q
        where q.status = 'done' and q.finished_at < clock_timestamp() - $1
        order by q.finished_at limit $2 for update skip locked
      ),
      taken as (
        delete from %1$s as q using finished as f where q.restaurant_id = f.restaurant_id and q.id = f.id
        returning q.*
      )
      insert into %2$s (%3$s) select %3$s from taken
    $sql$, known.queue, known.archive, columns)
  using older_than, max_events;
  get diagnostics moved = row_count;
  return moved;
exception
  when check_violation then
    -- A row that no partition is for breaks no constraint that has a name.
    get stacked diagnostics broken = constraint_name, row_at = pg_exception_detail;
    if broken <> '' then
      raise;
    end if;
    raise check_violation using
      message = sqlerrm, detail = row_at,
      hint = format('The event was done at a time for which %s has no partition: make one with partitions.fill(). Nothing has been moved.', known.archive);
end
$$;
comment on function outbox.archive(regclass, interval, integer) is
  'Moves events that have been done for so long from the queue to its archive, at most max_events of them, and says how many: call it '
  'again until it says fewer. Events that are dead stay. For background jobs.';

revoke execute on function outbox.register_archive(regclass, regclass), outbox.archive(regclass, interval, integer) from public;
grant execute on function outbox.archive(regclass, interval, integer) to app_background;
--! EndIncluded outbox/archive.sql
--! Included outbox/platform.sql
-- The queues of the reference platform.

select outbox.register('public.capacity_outbox', keyless_once => true);
-- A message to a guest must not be refused because its producer names no key.
select outbox.register('public.outbox', array['destination', 'aggregate_type', 'aggregate_id']::name[]);

create table if not exists public.capacity_outbox_archive (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint not null,
  event_type text not null check (event_type <> ''),
  payload jsonb not null check (jsonb_typeof(payload) = 'object'),
  dedupe_key text,
  idempotency_key text,
  attempts integer not null check (attempts >= 0),
  created_at timestamptz not null,
  finished_at timestamptz not null,
  archived_at timestamptz not null default now(),
  -- The id alone would not do: a unique key contains the partition key. It is the queue's, which gives each one once.
  primary key (restaurant_id, id, finished_at)
) partition by range (finished_at);

create index if not exists capacity_outbox_archive_finished_at_idx on public.capacity_outbox_archive (restaurant_id, finished_at);

comment on table public.capacity_outbox_archive is
  'Events of public.capacity_outbox that are done, by month. outbox.archive() moves them here; columns mean what they do there.';
comment on column public.capacity_outbox_archive.finished_at is 'When it was done. The partition key.';
comment on column public.capacity_outbox_archive.archived_at is 'When it came here.';

select tenancy.protect('public.capacity_outbox_archive', 'restaurant_id');
select outbox.register_archive('public.capacity_outbox', 'public.capacity_outbox_archive');

select partitions.manage('public.capacity_outbox_archive', 'month', retention => '6 months');
-- The last month too: an event that was done before midnight is archived in it.
select partitions.fill('public.capacity_outbox_archive', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.capacity_outbox_archive');

-- Not CONCURRENTLY, which no transaction allows: where there are events already, outbox.index_statements() has built them before.
do $$
declare
  wanted record;
begin
  for wanted in
    select i.statement
    from unnest(array['public.capacity_outbox', 'public.outbox']::regclass[]) as queue
    cross join lateral outbox.index_statements(queue) as i
  loop
    execute replace(wanted.statement, ' concurrently ', ' ');
  end loop;
end
$$;
--! EndIncluded outbox/platform.sql
