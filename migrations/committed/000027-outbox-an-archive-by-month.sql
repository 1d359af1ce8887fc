--! Previous: sha1:bf59f8602a3c4a66156605a711d1e8a1279f6e0c
--! Hash: sha1:a91a9ee791c8475e6c5c9bfcac92b8e666a7e444
--! Message: outbox: an archive by month

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
  perform tenancy.isolate_children(queue);
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
--! Included pii/erase.sql
-- Erasure, and what a data subject may ask for. A tenant is erased by destroying its keys, which reaches every copy; one guest
-- shares them with the others, so the guest's values go.

create table if not exists pii.erasures (
  restaurant_id uuid not null,
  id bigint generated always as identity,
  subject text not null check (subject in ('customer', 'tenant')),
  subject_id uuid not null,
  job text not null,
  cleared jsonb not null check (jsonb_typeof(cleared) = 'object'),
  erased_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);
comment on table pii.erasures is 'What was erased and when, without what it was. Added to and never changed.';
comment on column pii.erasures.subject_id is 'The id of the guest or the tenant: it names nobody any more.';
comment on column pii.erasures.job is 'The background job that did it.';
comment on column pii.erasures.cleared is 'How many rows of what.';
select tenancy.protect('pii.erasures', 'restaurant_id');
select tenancy.append_only('pii.erasures');
-- A tenant may not put words into this book.
revoke insert on table pii.erasures from authenticated;

create or replace function pii.scrub(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (
      select coalesce(jsonb_object_agg(e.key,
        case when e.key ~* '(name|e-?mail|phone|mobile|recipient|address|contact|notes?|message|body|text|subject|guest|customer)$|^(to|cc|bcc|tel|sms)$'
            and jsonb_typeof(e.value) = 'string' and tenancy.uuid_or_null(e.value #>> '{}') is null
          then '"[erased]"' else pii.scrub(e.value) end), '{}')
      from jsonb_each(value) as e
    )
    when 'array' then (select coalesce(jsonb_agg(pii.scrub(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    when 'string' then case when value #>> '{}' ~ '[^@\s]@[^@\s]|^\s*\+[0-9][-0-9 ./()]{6,}$' then '"[erased]"' else value end
    else value
  end;
end
$$;
comment on function pii.scrub(jsonb) is
  'A payload without what names a person: strings under keys such as email, phone or name, and whatever looks like an address or a number. Ids stay.';

set role app_pii;
create or replace function pii.destroy_keys(only_tenant uuid) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  done integer;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  -- A tenant that never had a key gets none later either.
  insert into pii.tenant_keys (restaurant_id, kid, state, destroyed_at)
  values (only_tenant, 1, 'destroyed', now())
  on conflict do nothing;
  update pii.tenant_keys as k
  set state = 'destroyed', replaces = null, destroyed_at = now(), wrapped_under = null, wrapped = null, next_wrapped_under = null, next_wrapped = null
  where k.restaurant_id = only_tenant and k.state <> 'destroyed';
  get diagnostics done = row_count;
  return done;
end
$$;
comment on function pii.destroy_keys(uuid) is
  'Destroys the data keys of a tenant: nothing of it opens any more, and it gets no new ones. Runs with the rights of app_pii; '
  'for background jobs, through pii.erase_tenant().';
revoke execute on function pii.destroy_keys(uuid) from public;
grant execute on function pii.destroy_keys(uuid) to app_background;
reset role;

create or replace function pii.scrub_messages(tenant uuid, customer uuid) returns integer
language plpgsql volatile
set search_path = ''
as $$
declare
  done pg_catalog.int4;
  more pg_catalog.int4;
begin
  update public.outbox as o
  set payload = pii.scrub(o.payload),
    last_error = null,
    -- What was to be sent to the guest is not sent any more.
    status = case when o.destination in ('email', 'sms') and o.status in ('pending', 'processing') then 'dead' else o.status end,
    finished_at = case when o.destination in ('email', 'sms') and o.status in ('pending', 'processing') then now() else o.finished_at end
  where o.restaurant_id = tenant
    and (
      customer is null or o.aggregate_id = customer
      or o.aggregate_id in (select b.id from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer)
      or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0
    );
  get diagnostics done = row_count;
  update public.capacity_outbox as o
  set payload = pii.scrub(o.payload), last_error = null
  where o.restaurant_id = tenant and (customer is null or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0);
  get diagnostics more = row_count;
  done := done + more;
  -- After the queue: what is being moved meanwhile is found here, or was scrubbed before.
  update public.capacity_outbox_archive as o
  set payload = pii.scrub(o.payload)
  where o.restaurant_id = tenant and (customer is null or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0);
  get diagnostics more = row_count;
  return done + more;
end
$$;
comment on function pii.scrub_messages(uuid, uuid) is
  'Takes what names the guest (NULL: anybody) out of the payloads of the outboxes and of the archive; messages to the guest that wait '
  'are not sent.';

create or replace function pii.erase_customer(tenant uuid, customer uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  cleared pg_catalog.jsonb;
  messages pg_catalog.int4;
  visits pg_catalog.int4;
begin
  perform pii.require_job();
  -- Before the row is cleared, since it is found by the guest's bookings.
  messages := pii.scrub_messages(tenant, customer);
  update public.bookings as b set notes = null where b.restaurant_id = tenant and b.customer_id = customer and b.notes is not null;
  get diagnostics visits = row_count;
  update public.customers as c
  set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
  where c.restaurant_id = tenant and c.id = customer;
  if not found then
    raise no_data_found using message = 'this tenant has no such customer', hint = 'Take tenant and id from the same row.';
  end if;
  cleared := jsonb_build_object('customers', 1, 'bookings', visits, 'messages', messages);
  insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'customer', customer, tenancy.current_job(), cleared);
  return cleared;
end
$$;
comment on function pii.erase_customer(uuid, uuid) is
  'Erases one guest: values, masks, indexes, name and notes, notes of the bookings, what names the guest in the outboxes; '
  'bookings remain, of nobody. Leaves a row in pii.erasures. Needs no key. For background jobs.';

create or replace function pii.erase_tenant(tenant uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  cleared pg_catalog.jsonb;
  keys pg_catalog.int4;
  guests pg_catalog.int4;
  visits pg_catalog.int4;
  messages pg_catalog.int4;
begin
  perform pii.require_job();
  if not exists (select from public.restaurants as r where r.id = tenant) then
    raise no_data_found using message = 'there is no such restaurant';
  end if;
  keys := pii.destroy_keys(tenant);
  update public.customers as c
  set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
  where c.restaurant_id = tenant;
  get diagnostics guests = row_count;
  update public.bookings as b set notes = null where b.restaurant_id = tenant and b.notes is not null;
  get diagnostics visits = row_count;
  messages := pii.scrub_messages(tenant, null);
  cleared := jsonb_build_object('keys', keys, 'customers', guests, 'bookings', visits, 'messages', messages);
  insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'tenant', tenant, tenancy.current_job(), cleared);
  return cleared;
end
$$;
comment on function pii.erase_tenant(uuid) is
  'Erases all guests of a tenant: destroys its keys, so that copies do not open either, and clears the rows. Leaves a row in '
  'pii.erasures. Needs no key. For background jobs.';

create or replace function pii.export_customer(tenant uuid, customer uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  before constant pg_catalog.text := current_setting('app.restaurant_id', true);
  export pg_catalog.jsonb;
begin
  perform pii.require_job();
  -- Sealed values are opened for the tenant in the context only.
  perform public.set_restaurant_context(tenant);
  select jsonb_build_object(
    'customer', jsonb_build_object(
      'restaurant_id', c.restaurant_id, 'id', c.id, 'full_name', c.full_name,
      'email', coalesce(pii.open(c.restaurant_id, 'public.customers.email', c.id, c.email_encrypted), c.email),
      'phone', coalesce(pii.open(c.restaurant_id, 'public.customers.phone', c.id, c.phone_encrypted), c.phone),
      'notes', c.notes, 'accepts_marketing', c.accepts_marketing, 'created_at', c.created_at, 'updated_at', c.updated_at),
    'bookings', coalesce((
      select jsonb_agg(to_jsonb(b) - 'restaurant_id' order by b.starts_at)
      from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer), '[]'),
    'messages', coalesce((
      select jsonb_agg(jsonb_build_object('destination', o.destination, 'event_type', o.event_type, 'payload', o.payload, 'status', o.status, 'created_at', o.created_at) order by o.id)
      from public.outbox as o
      where o.restaurant_id = tenant
        and (o.aggregate_id = customer
          or o.aggregate_id in (select b.id from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer)
          or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0)), '[]'),
    'exported_at', now())
  into export
  from public.customers as c
  where c.restaurant_id = tenant and c.id = customer;
  perform set_config('app.restaurant_id', coalesce(before, ''), true);
  if export is null then
    raise no_data_found using message = 'this tenant has no such customer', hint = 'Take tenant and id from the same row.';
  end if;
  return export;
end
$$;
comment on function pii.export_customer(uuid, uuid) is
  'Everything that is stored about one guest, in clear, for a data subject''s request. Needs app.pii.key. For background jobs.';

revoke execute on function
  pii.scrub(jsonb), pii.scrub_messages(uuid, uuid), pii.erase_customer(uuid, uuid), pii.erase_tenant(uuid), pii.export_customer(uuid, uuid)
from public;
grant execute on function
  pii.scrub(jsonb), pii.scrub_messages(uuid, uuid), pii.erase_customer(uuid, uuid), pii.erase_tenant(uuid), pii.export_customer(uuid, uuid)
to app_background;
--! EndIncluded pii/erase.sql

create table public.capacity_outbox_archive (
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

create index capacity_outbox_archive_finished_at_idx on public.capacity_outbox_archive (restaurant_id, finished_at);

comment on table public.capacity_outbox_archive is
  'Events of public.capacity_outbox that are done, by month. outbox.archive() moves them here; columns mean what they do there.';
comment on column public.capacity_outbox_archive.finished_at is 'When it was done. The partition key.';
comment on column public.capacity_outbox_archive.archived_at is 'When it came here.';

select tenancy.protect('public.capacity_outbox_archive', 'restaurant_id');
select outbox.register_archive('public.capacity_outbox', 'public.capacity_outbox_archive');

-- From the month of the oldest event that is done. As a job, since row security is forced and binds the owner too.
create temporary table oldest_event on commit drop as select now() as at;
grant select, update on oldest_event to app_background;
do $$
begin
  set local role app_background;
  perform tenancy.set_job('migration');
  update oldest_event set at = least(now(), (select min(finished_at) from public.capacity_outbox where status = 'done'));
  perform tenancy.set_job(null);
  reset role;
end
$$;
select partitions.manage('public.capacity_outbox_archive', 'month', retention => '6 months');
select partitions.fill('public.capacity_outbox_archive', p.starts_at, p.ends_at)
from oldest_event as o, partitions.periods('month', 'UTC', least(o.at, now() - interval '1 month'), now()) as p;
select partitions.ensure('public.capacity_outbox_archive');
