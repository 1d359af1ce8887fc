--! Previous: sha1:c5c2bcffd3bdd413b0cde57e6093ef11f496ce1d
--! Hash: sha1:64db5e70756ab6270d0ef0897d4e7f40a60c3148
--! Message: outbox: fair queues with leases

-- The outboxes become queues: a lease with a token, fair claims, back-off, burial and replay. What waits is the same as before; of
-- events that say the same the first stays. The indexes follow one by one, since CONCURRENTLY allows no transaction.

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
  lag interval not null default '5 seconds' check (lag >= '0'),
  backoff_base interval not null default '5 seconds' check (backoff_base > '0'),
  backoff_cap interval not null default '1 hour' check (backoff_cap > '0'),
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
        set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
      comment on column %1$s.lease_token is 'Counts the leases. Whoever acknowledges has to name the latest: one that lost its lease has an older.';
      comment on column %1$s.max_attempts is 'After so many attempts it is dead: with the defaults after an hour of failing, on average.';
      comment on column %1$s.dead_reason is 'Why it is dead: attempts, lease_expired, rejected, duplicate; NULL if something else buried it.';

      drop policy if exists outbox_enqueue on %1$s;
      create policy outbox_enqueue on %1$s as restrictive for insert to public
        with check (
          (select tenancy.is_background())
          or status = 'pending' and attempts = 0 and lease_token = 0 and locked_until is null and locked_by is null
          and max_attempts between 1 and 100 and isfinite(next_attempt_at)
        );
      comment on policy outbox_enqueue on %1$s is 'Tenants add events that wait, and none that look as if somebody had worked on them.';
      drop policy if exists outbox_settle on %1$s;
      create policy outbox_settle on %1$s as restrictive for update to public using ((select tenancy.is_background()));
      comment on policy outbox_settle on %1$s is 'Only background jobs change an event.';
      drop policy if exists outbox_remove on %1$s;
      create policy outbox_remove on %1$s as restrictive for delete to public using ((select tenancy.is_background()));
      comment on policy outbox_remove on %1$s is 'Only background jobs delete an event.';

    $sql$, queue);
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

-- All three are partial: a table of ten million events that are done has small indexes of those that are not.
-- * dispatch: the tenant first. One tenant's own events are found by it under row security, and the dispatcher walks from tenant to
--   tenant; with the status first, and no tenant, the dispatcher would be as fast and a tenant would read everybody's backlog.
-- * dedupe_active: the tenant first, since otherwise one tenant's key would refuse another's, who could so find out which keys there
--   are. COALESCE, since NULLS NOT DISTINCT is there from PostgreSQL 15 on only.
-- * unsettled: leases by their end, for the sweep, and the dead.
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
    (3, '_unsettled_idx', '', $i$(status, locked_until) where status in ('processing', 'dead')$i$)
  ) as i (place, suffix, kind, definition)
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
--! Included outbox/enqueue.sql
-- To be called in the transaction that the event tells of: both are there, or neither.
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
        cross join lateral (
          select q.restaurant_id, q.id from %1$s as q
          where q.status = 'pending' and q.restaurant_id = t.restaurant_id and q.next_attempt_at >= t.earliest and q.next_attempt_at <= $5
          order by q.next_attempt_at, q.id
          limit $6
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
  'tenant and $7 in all, from the floor ($2) on, or from $4 for the tenants $3.';

create or replace function outbox.claim(
  worker text,
  max_events integer default 100,
  per_tenant integer default 1,
  lease interval default '1 minute',
  queue regclass default 'public.capacity_outbox'
) returns table (
  tenant uuid, id bigint, token bigint, attempt integer, event_type text, payload jsonb, dedupe_key text, idempotency_key text,
  created_at timestamptz, leased_until timestamptz, attributes jsonb
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
begin
  perform outbox.require_job();
  if worker is null or not coalesce(max_events between 1 and 10000 and per_tenant between 1 and 10000, false)
    or not coalesce(lease between '1 second' and '1 day', false) then
    raise invalid_parameter_value using
      message = 'a claim wants a worker''s name, up to 10000 events, as many of a tenant, and a lease from a second to a day';
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
    served := 0;
    foreach side in array array['after', 'up to'] loop
      execute outbox.walk_statement(queue, side) into picked
        using cursor_row.position, cursor_row.floor, cursor_row.behind, cursor_row.behind_floor, now, share, max_events - claimed;
      continue when cardinality(picked.ids) = 0;
      claimed := claimed + cardinality(picked.ids);
      served := served + (select count(distinct t) from unnest(picked.tenants) as t);
      last_served := picked.tenants[cardinality(picked.tenants)];
      return query execute format(
        $sql$
          update %1$s as q
          set status = 'processing', attempts = q.attempts + 1, lease_token = q.lease_token + 1, locked_by = $3, locked_until = $4
          from unnest($1, $2) as c (restaurant_id, id)
          where q.restaurant_id = c.restaurant_id and q.id = c.id
          returning q.restaurant_id, q.id, q.lease_token, q.attempts, q.event_type, q.payload, q.dedupe_key, q.idempotency_key,
            q.created_at, q.locked_until, %2$s
        $sql$, known.queue, coalesce('jsonb_build_object(' || own_columns || ')', $sql$'{}'::pg_catalog.jsonb$sql$))
      using picked.tenants, picked.ids, worker, now + lease;
      exit when claimed >= max_events;
    end loop;
    exit when claimed >= max_events or claimed = before_round;
    share := greatest(share, (max_events - claimed + served - 1) / served);
  end loop;

  if cursor_is_mine and claimed > 0 then
    update outbox.cursors as c set position = last_served, claims = c.claims + 1 where c.queue = claim.queue;
    if (cursor_row.claims + 1) % 50 = 0 then
      perform outbox.raise_floor(queue);
    end if;
  end if;
end
$$;
comment on function outbox.claim(text, integer, integer, interval, regclass) is
  'Leases up to max_events due events to a worker, per_tenant of each tenant in turn, and more of those who have more if the batch is '
  'not full. Acknowledge each with its token before leased_until, by outbox.ack() or outbox.fail(). For background jobs.';

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
        select greatest($2, least((select r.earliest from ranked as r where r.place = 51), clock_timestamp()) - $5) as floor
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
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass),
  outbox.tenants_clause(regclass, text), outbox.raise_floor(regclass),
  outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz)
from public;
grant execute on function
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass),
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
      set status = 'done', finished_at = clock_timestamp(), locked_until = null, locked_by = null, last_error = null
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

create or replace function outbox.fail(
  tenant uuid, id bigint, token bigint, error text,
  retry boolean default true, retry_after interval default null, queue regclass default 'public.capacity_outbox'
) returns text
language plpgsql
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  outcome pg_catalog.text;
begin
  perform outbox.require_job();
  execute format(
    $sql$
      update %s as q
      set status = case when v.dead_reason is null then 'pending' else 'dead' end,
        dead_reason = v.dead_reason,
        finished_at = case when v.dead_reason is not null then clock_timestamp() end,
        next_attempt_at = case when v.dead_reason is null
          then clock_timestamp() + coalesce(greatest($6, '0'), outbox.backoff(q.attempts, $7, $8)) else q.next_attempt_at end,
        last_error = left($4, 2000), locked_until = null, locked_by = null
      from (
        select o.restaurant_id, o.id,
          case when not $5 then 'rejected' when o.attempts >= o.max_attempts then 'attempts' end as dead_reason
        from %1$s as o where o.restaurant_id = $1 and o.id = $2
      ) as v
      where q.restaurant_id = v.restaurant_id and q.id = v.id and q.lease_token = $3 and coalesce(q.status, '') = 'processing'
      returning q.status
    $sql$, known.queue)
  into outcome using tenant, id, token, error, coalesce(retry, true), retry_after, known.backoff_base, known.backoff_cap;
  return outcome;
end
$$;
comment on function outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass) is
  'Gives an event back: pending after a random back-off (or retry_after), or dead, at its last attempt or if retry is false, which is for '
  'what will never succeed. Returns its status; NULL if the token is not the latest. For background jobs.';

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
      set status = 'pending', attempts = q.attempts - 1, next_attempt_at = clock_timestamp(), locked_until = null, locked_by = null
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
  outbox.backoff(integer, interval, interval), outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
from public;
grant execute on function
  outbox.ack(uuid[], bigint[], bigint[], regclass), outbox.extend(uuid[], bigint[], bigint[], interval, regclass),
  outbox.backoff(integer, interval, interval), outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
to app_background;
--! EndIncluded outbox/settle.sql
--! Included outbox/sweep.sql
-- What claims don't see. To be called every few seconds by whoever dispatches, on one queue by several at a time if need be.

create or replace function outbox.sweep(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox',
  out returned integer, out buried integer, out late boolean
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
  before outbox.cursors;
  found_floor record;
begin
  perform outbox.require_job();
  -- Leases that ended. They count as attempts: an event that kills its worker each time has to die some day. It may be tried again
  -- without delay the first time, when it was most likely the worker's fault.
  execute format(
    $sql$
      with expired as (
        select o.restaurant_id, o.id,
          case when o.attempts >= o.max_attempts then 'lease_expired' end as dead_reason
        from %1$s as o
        where o.status = 'processing' and o.locked_until < clock_timestamp()
        order by o.locked_until
        limit $1
        for update skip locked
      ),
      changed as (
        update %1$s as q
        set status = case when e.dead_reason is null then 'pending' else 'dead' end,
          dead_reason = e.dead_reason,
          finished_at = case when e.dead_reason is not null then clock_timestamp() end,
          next_attempt_at = clock_timestamp() + case when q.attempts > 1 then outbox.backoff(q.attempts, $2, $3) else '0' end,
          last_error = format('the lease of %%s expired', q.locked_by), locked_until = null, locked_by = null
        from expired as e where q.restaurant_id = e.restaurant_id and q.id = e.id
        returning q.status
      )
      select count(*) filter (where status = 'pending'), count(*) filter (where status = 'dead') from changed
    $sql$, known.queue)
  into returned, buried using max_events, known.backoff_base, known.backoff_cap;

  -- Events below the floor: their transaction took longer than the lag, or somebody gave them a time in the past.
  select * into strict before from outbox.cursors as c where c.queue = sweep.queue for no key update;
  found_floor := outbox.find_floor(queue, before, '-infinity', '{}', '-infinity');
  late := found_floor.late;
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor, swept_at = clock_timestamp()
  where c.queue = sweep.queue;
end
$$;
comment on function outbox.sweep(integer, regclass) is
  'Gives events back whose lease has ended (returned; buried: those at their last attempt), and lowers the floor to what came in below it '
  '(late), so that the next claims find it. For background jobs.';

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

revoke execute on function outbox.sweep(integer, regclass), outbox.expire_holds(integer) from public;
grant execute on function outbox.sweep(integer, regclass), outbox.expire_holds(integer) to app_background;
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
          set status = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), finished_at = null, dead_reason = null
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

select outbox.register('public.capacity_outbox', keyless_once => true);
-- A message to a guest must not be refused because its producer names no key.
select outbox.register('public.outbox', array['destination', 'aggregate_type', 'aggregate_id']::name[]);

-- As a job, since row security is forced and binds the owner too.
do $$
begin
  set local role app_background;
  perform tenancy.set_job('migration'), outbox.bury_duplicates('public.capacity_outbox'), outbox.bury_duplicates('public.outbox');
  perform tenancy.set_job(null);
  reset role;
end
$$;
