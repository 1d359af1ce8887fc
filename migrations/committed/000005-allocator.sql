--! Previous: sha1:e041792a55722a9b1ad0e97c4000d3dcb6692cd2
--! Hash: sha1:0ff61b98ed8cb7f447bd8ae07b32bb81aa4801c4
--! Message: allocator

-- Source: policies/allocator/ (edit there, then harness commit --pack allocator)

--! Included allocator/records.sql
-- What confirmations leave behind: a book of what happened to which table, and the answers that were given, for requests that come
-- again. Like events they name other rows without foreign keys, since they outlive them.

create table if not exists public.allocation_ledger (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  action text not null check (action <> ''),
  booking_id uuid not null,
  hold_id uuid not null,
  table_id uuid not null,
  allocation_id uuid not null,
  assignment_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  event_id bigint,
  actor text,
  source text,
  trace_id text,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);

create index if not exists allocation_ledger_booking_idx on public.allocation_ledger (restaurant_id, booking_id);
create index if not exists allocation_ledger_table_idx on public.allocation_ledger (restaurant_id, table_id, created_at);

comment on table public.allocation_ledger is
  'What happened to which table, an entry for each allocation that a confirmation made or took over. Added to and never changed.';
comment on column public.allocation_ledger.action is 'confirmed: the table went from the hold to the booking.';
comment on column public.allocation_ledger.event_id is 'The event in public.capacity_outbox that tells of it; NULL if the outbox was switched off.';
comment on column public.allocation_ledger.actor is 'Subject of the claims, or the job, that did it.';
comment on column public.allocation_ledger.source is 'The component that asked, from the context of the request.';
comment on column public.allocation_ledger.trace_id is 'W3C trace id, from the context of the request.';

select tenancy.protect('public.allocation_ledger', 'restaurant_id');
select tenancy.append_only('public.allocation_ledger');

create table if not exists public.confirmations (
  restaurant_id uuid not null references public.restaurants (id),
  idempotency_key text not null check (idempotency_key <> ''),
  request_hash bytea not null,
  answer jsonb not null,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, idempotency_key)
);

-- Whoever throws away old answers does so for all tenants at once.
create index if not exists confirmations_created_at_idx on public.confirmations (created_at);

comment on table public.confirmations is
  'The answers that confirm_hold_assignment_tx() has given, by the key of the request: who repeats it within their lifetime gets the same one.';
comment on column public.confirmations.request_hash is 'SHA-256 of what was asked for: the same key with another request is an error.';

select tenancy.protect('public.confirmations', 'restaurant_id');

drop policy if exists confirmations_stand on public.confirmations;
create policy confirmations_stand on public.confirmations as restrictive for update to public using (false);
comment on policy confirmations_stand on public.confirmations is 'Nobody changes an answer that was given.';
drop policy if exists confirmations_remove on public.confirmations;
create policy confirmations_remove on public.confirmations as restrictive for delete to public using ((select tenancy.is_background()));
comment on policy confirmations_remove on public.confirmations is 'Only background jobs forget answers.';
--! EndIncluded allocator/records.sql
--! Included allocator/confirm.sql
-- Confirming holds: what they keep free becomes the booking's. One call is one unit of work, also inside a larger transaction; row
-- security and the privileges of the caller decide what it reaches.
--
-- Errors have SQLSTATEs of the form PTnnn, from which PostgREST and what is like it take the HTTP status; those of the server would
-- come out as 400 (exclusion) and 500 (serialization, locks), which tell a client to give up. The message is the name of the error,
-- and no part of an error quotes what was sent or what is stored.
--
-- Locks are taken in one order: the booking, the holds by id, the tables by id. Who waits has nothing that the other one needs, so
-- that confirmations do not deadlock. Locking the tables also keeps two inserts from waiting for each other in the exclusion
-- constraint. The strength of those on bookings and tables lets foreign keys pass; that on holds keeps allocations and members out.

create or replace function public.confirm_hold_assignment_tx(
  booking_id uuid,
  hold_ids uuid[],
  idempotency_key text,
  context jsonb default '{}'
) returns jsonb
language plpgsql volatile
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  max_holds constant pg_catalog.int4 := 50;
  tenant constant pg_catalog.uuid := public.current_restaurant_id();
  wanted constant pg_catalog.uuid := confirm_hold_assignment_tx.booking_id;
  chosen constant pg_catalog.uuid[] := confirm_hold_assignment_tx.hold_ids;
  request constant pg_catalog.text := confirm_hold_assignment_tx.idempotency_key;
  about constant pg_catalog.jsonb := coalesce(confirm_hold_assignment_tx.context, '{}');
  actor constant pg_catalog.text := coalesce(tenancy.claim('sub'), tenancy.current_job());
  -- Nothing else of the context is kept: nobody can delete from the ledger, so it is no place for what may name a person.
  source constant pg_catalog.text := substring(about ->> 'source', '^[A-Za-z0-9._:-]{1,64}$');
  trace_id constant pg_catalog.text := substring(about ->> 'trace_id', '^[A-Za-z0-9._:-]{1,128}$');
  complaint pg_catalog.text;
  request_hash pg_catalog.bytea;
  earlier record;
  booking record;
  holds record;
  has_outbox pg_catalog.bool;
  places pg_catalog.jsonb;
  events pg_catalog.jsonb := '[]';
  entries pg_catalog.jsonb;
  answer pg_catalog.jsonb;
  reason pg_catalog.text;
begin
  if tenant is null then
    raise sqlstate 'PT403' using message = 'rls_violation', detail = 'This transaction names no restaurant.',
      hint = 'Sign in for a restaurant (claim activeRestaurantId), or call set_restaurant_context() in this transaction; two have to agree.';
  end if;

  complaint := case
    when wanted is null then 'booking_id is missing.'
    when chosen is null or cardinality(chosen) = 0 then 'hold_ids is empty.'
    when array_ndims(chosen) <> 1 then 'hold_ids is a list of lists.'
    when cardinality(chosen) > max_holds then format('hold_ids has more than %s elements.', max_holds)
    when array_position(chosen, null) is not null then 'hold_ids has an element that is null.'
    when cardinality(chosen) <> (select count(distinct c) from unnest(chosen) as c) then 'hold_ids names a hold twice.'
    when request is null or btrim(request) = '' then 'idempotency_key is missing.'
    when char_length(request) > 200 then 'idempotency_key is longer than 200 characters.'
    when jsonb_typeof(about) <> 'object' then 'context is no JSON object.'
  end;
  if complaint is not null then
    raise sqlstate 'PT400' using message = 'invalid_request', detail = complaint,
      hint = 'Send {"booking_id": uuid, "hold_ids": [uuid, …], "idempotency_key": text, "context": object}.';
  end if;
  if coalesce(lower(about ->> 'restaurant_id'), tenant::pg_catalog.text) <> tenant::pg_catalog.text then
    raise sqlstate 'PT403' using message = 'rls_violation', detail = 'The context of the request names another restaurant than the session.',
      hint = 'Leave restaurant_id out of it, or sign in for that restaurant.';
  end if;

  -- The order of the holds makes no other request of it, and neither does the context, which is about this attempt.
  request_hash := sha256(convert_to(
    wanted || ' ' || (select string_agg(c::pg_catalog.text, ' ' order by c) from unnest(chosen) as c), 'UTF8'));

  -- Twice: a request that comes again locks nothing; one that comes while the first is under way waits for its booking or its holds,
  -- and has a look again.
  for look in 1 .. 2 loop
    if look = 2 then
      select b.status, b.booking_date, b.starts_at, b.ends_at into booking
      from public.bookings as b where b.restaurant_id = tenant and b.id = wanted for no key update;

      -- Of the latest versions, after whatever wait there was.
      select count(*) as found,
        count(*) filter (where h.status <> 'active') as used,
        count(*) filter (where h.status = 'active' and h.expires_at <= clock_timestamp()) as expired,
        count(*) filter (where h.booking_id <> wanted) as others,
        count(*) filter (where h.starts_at > booking.starts_at or h.ends_at < booking.ends_at) as elsewhen
      into holds
      from (
        select o.* from public.table_holds as o
        where booking.status is not null and o.restaurant_id = tenant and o.id = any (chosen)
        order by o.id for update
      ) as h;
    end if;

    select c.request_hash, c.answer into earlier
    from public.confirmations as c where c.restaurant_id = tenant and c.idempotency_key = request;
    if earlier.answer is not null then
      if earlier.request_hash <> request_hash then
        raise sqlstate 'PT422' using message = 'idempotency_key_reused', detail = 'This key belongs to another request, which has been confirmed.',
          hint = 'Use a new key for each request, and the same one only to repeat it.';
      end if;
      return earlier.answer;
    end if;
  end loop;

  -- Somebody else's is the same as what is nowhere.
  if booking.status is null or holds.found < cardinality(chosen) then
    raise sqlstate 'PT403' using message = 'rls_violation',
      detail = case when booking.status is null then 'There is no such booking here.' else 'Not all of these holds are here.' end,
      hint = 'Use ids of the restaurant that the session is signed in for.';
  end if;

  complaint := case
    when booking.status not in ('pending', 'confirmed', 'seated') then 'The booking is over or cancelled.'
    when holds.used > 0 then 'A hold has been confirmed, released or expired already.'
    when holds.expired > 0 then 'A hold has expired.'
    when holds.others > 0 then 'A hold is for another booking.'
    when holds.elsewhen > 0 then 'A hold does not cover the time of the booking.'
  end;
  if complaint is not null then
    raise sqlstate 'PT409' using message = 'conflict_error', detail = complaint, hint = 'Take new holds and confirm those, with a new key.';
  end if;

  perform from public.restaurant_tables as t
  where t.restaurant_id = tenant and t.id in (
    select m.table_id from public.table_hold_members as m where m.restaurant_id = tenant and m.hold_id = any (chosen)
    union
    select a.table_id from public.allocations as a where a.restaurant_id = tenant and a.hold_id = any (chosen) and a.released_at is null
  )
  order by t.id for no key update;

  -- In place, so that the table is never free in between. A hold may lack the allocation of one of its tables, since nothing makes it
  -- have one: then the exclusion constraint decides now whether the table is still to be had.
  with held as (
    select a.id, a.hold_id, a.table_id, a.starts_at, a.ends_at, true as exists_already
    from public.allocations as a
    where a.restaurant_id = tenant and a.hold_id = any (chosen) and a.released_at is null
    union all
    select gen_random_uuid(), h.id, m.table_id, h.starts_at, h.ends_at, false
    from public.table_holds as h
    join public.table_hold_members as m on m.restaurant_id = h.restaurant_id and m.hold_id = h.id
    where h.restaurant_id = tenant and h.id = any (chosen) and not exists (
      select from public.allocations as a
      where a.restaurant_id = h.restaurant_id and a.hold_id = h.id and a.table_id = m.table_id and a.released_at is null
    )
  ),
  taken_over as (
    update public.allocations as a set booking_id = wanted, hold_id = null, updated_at = now()
    from held as p
    where p.exists_already and a.restaurant_id = tenant and a.id = p.id and a.hold_id = p.hold_id
    returning a.id
  ),
  added as (
    insert into public.allocations (restaurant_id, id, table_id, booking_id, starts_at, ends_at)
    select tenant, p.id, p.table_id, wanted, p.starts_at, p.ends_at from held as p where not p.exists_already
    returning allocations.id
  ),
  assigned as (
    insert into public.booking_table_assignments
      (restaurant_id, booking_id, table_id, booking_date, starts_at, ends_at, assigned_by, idempotency_key)
    select tenant, wanted, p.table_id, booking.booking_date, p.starts_at, p.ends_at, actor, request from held as p
    returning booking_table_assignments.id, booking_table_assignments.table_id
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'hold_id', p.hold_id, 'table_id', p.table_id, 'allocation_id', p.id, 'assignment_id', s.id, 'starts_at', p.starts_at, 'ends_at', p.ends_at
    ) order by p.hold_id, p.table_id), '[]')
  into places
  from held as p
  join (select t.id from taken_over as t union all select d.id from added as d) as now_ours on now_ours.id = p.id
  join assigned as s on s.table_id = p.table_id;

  if (select count(distinct p ->> 'hold_id') from jsonb_array_elements(places) as p) < cardinality(chosen) then
    raise sqlstate 'PT409' using message = 'conflict_error', detail = 'A hold keeps no table.', hint = 'Take new holds and confirm those, with a new key.';
  end if;

  update public.table_holds as h set status = 'confirmed', booking_id = wanted, updated_at = now()
  where h.restaurant_id = tenant and h.id = any (chosen);

  -- Without a row it is on: an event too many harms nobody, and one that was never written cannot be made up for from nothing.
  has_outbox := coalesce((
    select f.enabled from public.feature_flags as f where f.restaurant_id = tenant and f.key = 'allocator.tx_outbox.enabled'), true);
  if has_outbox then
    select jsonb_agg(jsonb_build_object(
        'queue', 'public.capacity_outbox', 'event_type', 'capacity.taken', 'allocation_id', p.place -> 'allocation_id',
        'id', outbox.enqueue('capacity.taken', p.place || jsonb_build_object('booking_id', wanted), p.place ->> 'table_id', request, tenant => tenant)
      ) order by p.ordinality)
    into events from jsonb_array_elements(places) with ordinality as p (place, ordinality);
  end if;

  with written as (
    insert into public.allocation_ledger
      (restaurant_id, action, booking_id, hold_id, table_id, allocation_id, assignment_id, starts_at, ends_at, event_id, actor, source, trace_id)
    select tenant, 'confirmed', wanted, p.hold_id, p.table_id, p.allocation_id, p.assignment_id, p.starts_at, p.ends_at,
      (select (e ->> 'id')::pg_catalog.int8 from jsonb_array_elements(events) as e where (e ->> 'allocation_id')::pg_catalog.uuid = p.allocation_id),
      actor, source, trace_id
    from jsonb_to_recordset(places) as p (
      hold_id pg_catalog.uuid, table_id pg_catalog.uuid, allocation_id pg_catalog.uuid, assignment_id pg_catalog.uuid,
      starts_at pg_catalog.timestamptz, ends_at pg_catalog.timestamptz)
    returning *
  )
  select jsonb_agg(jsonb_build_object(
      'id', w.id, 'action', w.action, 'hold_id', w.hold_id, 'table_id', w.table_id,
      'allocation_id', w.allocation_id, 'assignment_id', w.assignment_id, 'event_id', w.event_id
    ) order by w.hold_id, w.table_id)
  into entries from written as w;

  answer := jsonb_build_object(
    'assignment_ids', (select jsonb_agg(p -> 'assignment_id' order by n) from jsonb_array_elements(places) with ordinality as p (p, n)),
    'allocation_ids', (select jsonb_agg(p -> 'allocation_id' order by n) from jsonb_array_elements(places) with ordinality as p (p, n)),
    'ledger_entries', entries,
    'outbox_events', events
  );
  insert into public.confirmations (restaurant_id, idempotency_key, request_hash, answer)
  values (tenant, request, request_hash, answer)
  on conflict on constraint confirmations_pkey do nothing;
  -- Another request with this key has overtaken this one, on another booking and other holds, or it would have been seen above.
  if not found then
    raise sqlstate 'PT422' using message = 'idempotency_key_reused', detail = 'This key belongs to another request, which has been confirmed.',
      hint = 'Use a new key for each request, and the same one only to repeat it.';
  end if;
  return answer;
exception
  when serialization_failure or deadlock_detected or lock_not_available then
    reason := sqlstate;
    raise sqlstate 'PT503' using message = 'retryable',
      detail = format('Others are at work on the same booking, holds or tables (%s). Nothing has been done.', reason),
      hint = 'Repeat the same request with the same key, after a short random pause.';
  when exclusion_violation then
    raise sqlstate 'PT409' using message = 'conflict_error', detail = 'A table is taken at that time.',
      hint = 'Take new holds and confirm those, with a new key.';
  when unique_violation then
    raise sqlstate 'PT409' using message = 'conflict_error', detail = 'The booking sits at one of these tables already, or would twice.',
      hint = 'Take new holds and confirm those, with a new key.';
  when check_violation then
    -- A row that no partition is for breaks no constraint that has a name. Assignments are kept by month, and there are so many only.
    get stacked diagnostics reason = constraint_name;
    if reason <> '' then
      raise;
    end if;
    raise sqlstate 'PT409' using message = 'conflict_error', detail = 'The booking is on a day for which no assignments can be kept.',
      hint = 'Book within the months to come; to open more of them: harness partitions ensure.';
  when insufficient_privilege then
    raise sqlstate 'PT403' using message = 'rls_violation', detail = 'Row security or a missing privilege forbids it.',
      hint = 'Use ids of the restaurant that the session is signed in for, and the role that tenants have.';
end
$$;

comment on function public.confirm_hold_assignment_tx(uuid, uuid[], text, jsonb) is
  'Gives the tables of holds to a booking, all or none: assignments, allocations, an entry in the ledger and an event for each. The same '
  'idempotency_key gives the first answer again. Errors: invalid_request (PT400), rls_violation (PT403), conflict_error (PT409), '
  'idempotency_key_reused (PT422), retryable (PT503). context: source and trace_id are kept; a restaurant_id has to be the session''s.';

revoke execute on function public.confirm_hold_assignment_tx(uuid, uuid[], text, jsonb) from public;
grant execute on function public.confirm_hold_assignment_tx(uuid, uuid[], text, jsonb) to authenticated, app_background;
--! EndIncluded allocator/confirm.sql
