--! Previous: sha1:b62f3003ac2ffd778fb118aafb7a34d4c08c699f
--! Hash: sha1:bf5da8052a9b182c242e9ae749ddca8246b6237c
--! Message: platform

-- Source: policies/platform/ (edit there, then harness commit --pack platform)

--! Included platform/extensions.sql
-- btree_gist lets one index compare uuids and ranges, which ruling out double bookings takes. It is a trusted extension,
-- so the owner of the database may create it; a schema of its own keeps its functions out of the application's.
-- Some platforms bring the schema along, and it is theirs.
do $$
begin
  if pg_catalog.to_regnamespace('extensions') is null then
    create schema extensions;
    comment on schema extensions is 'Extensions whose objects nothing calls by name.';
  end if;
end
$$;
create extension if not exists btree_gist with schema extensions;
--! EndIncluded platform/extensions.sql
--! Included platform/restaurants.sql
-- What all tables keep to:
-- * The primary key is (restaurant_id, id): so foreign keys carry the tenant, no tenant runs into an id that another
--   has, and one index serves both the key and the policies.
-- * A status is text with a check, which a migration changes without the traps of an enum.
-- * updated_at is set by who writes: a trigger would run before row security has seen the row.

create table if not exists public.restaurants (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  time_zone text not null,
  locale text not null default 'en',
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  contact_email text,
  contact_phone text,
  hold_minutes integer not null default 10 check (hold_minutes > 0),
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

comment on table public.restaurants is 'The tenants.';
comment on column public.restaurants.id is 'The tenant column of this table; restaurant_id everywhere else.';
comment on column public.restaurants.time_zone is 'IANA name. It decides which booking_date a moment belongs to.';
comment on column public.restaurants.locale is 'BCP 47 tag of the language that guests are written to in.';
comment on column public.restaurants.currency is 'ISO 4217 code.';
comment on column public.restaurants.hold_minutes is 'Minutes until a new hold expires.';

select tenancy.protect('public.restaurants', 'id');

create table if not exists public.restaurant_tables (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  label text not null check (label <> ''),
  area text,
  min_covers integer not null default 1 check (min_covers > 0),
  max_covers integer not null,
  is_bookable boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint restaurant_tables_covers_in_order check (min_covers <= max_covers),
  primary key (restaurant_id, id),
  unique (restaurant_id, label)
);

comment on table public.restaurant_tables is 'The tables guests sit at.';
comment on column public.restaurant_tables.label is 'What staff call it, such as 12 or T4.';
comment on column public.restaurant_tables.area is 'Part of the house, such as terrace; NULL where there is only one.';
comment on column public.restaurant_tables.min_covers is 'Smallest party worth the table.';
comment on column public.restaurant_tables.max_covers is 'Seats.';
comment on column public.restaurant_tables.is_bookable is 'False while out of service; bookings it already has remain.';

select tenancy.protect('public.restaurant_tables', 'restaurant_id');

create table if not exists public.feature_flags (
  restaurant_id uuid not null references public.restaurants (id),
  key text not null check (key ~ '^[a-z][a-z0-9_.]*$'),
  enabled boolean not null,
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  updated_by text,
  updated_at timestamptz not null default now(),
  primary key (restaurant_id, key)
);

comment on table public.feature_flags is 'What is switched on for a restaurant. A flag without a row has the default of the code.';
comment on column public.feature_flags.key is 'Dotted name, such as allocator.tx_outbox.enabled.';
comment on column public.feature_flags.updated_by is 'Subject of the claims that changed it last.';

select tenancy.protect('public.feature_flags', 'restaurant_id');
--! EndIncluded platform/restaurants.sql
--! Included platform/customers.sql
create table if not exists public.customers (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  full_name text not null check (full_name <> ''),
  email text,
  phone text,
  email_normalized text generated always as (lower(btrim(email))) stored,
  phone_normalized text generated always as (regexp_replace(phone, '[^0-9+]', '', 'g')) stored,
  notes text,
  accepts_marketing boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (restaurant_id, id),
  unique (restaurant_id, email_normalized)
);

create index if not exists customers_phone_idx on public.customers (restaurant_id, phone_normalized);
create index if not exists customers_name_idx on public.customers (restaurant_id, full_name);

comment on table public.customers is 'Guests, as one restaurant knows them: the same person is another row at the next one.';
comment on column public.customers.email is 'As given.';
comment on column public.customers.phone is 'As given.';
comment on column public.customers.email_normalized is
  'For look-up by equality, which row security lets use the index; lower(email) = … it would not.';
comment on column public.customers.phone_normalized is 'Digits and + only, for look-up by equality.';
comment on column public.customers.notes is 'What staff should know, such as an allergy.';

select tenancy.protect('public.customers', 'restaurant_id');
--! EndIncluded platform/customers.sql
--! Included platform/bookings.sql
create table if not exists public.bookings (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  customer_id uuid,
  reference text not null check (reference <> ''),
  party_size integer not null check (party_size > 0),
  booking_date date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status text not null default 'pending'
    check (status in ('pending', 'confirmed', 'seated', 'completed', 'cancelled', 'no_show')),
  source text not null default 'web' check (source in ('web', 'phone', 'walk_in', 'partner')),
  notes text,
  idempotency_key text,
  cancelled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint bookings_cancelled_at_if_cancelled check ((cancelled_at is not null) = (status = 'cancelled')),
  constraint bookings_end_after_start check (ends_at > starts_at),
  primary key (restaurant_id, id),
  unique (restaurant_id, reference),
  unique (restaurant_id, idempotency_key),
  constraint bookings_booking_date_key unique (restaurant_id, id, booking_date),
  foreign key (restaurant_id, customer_id) references public.customers (restaurant_id, id)
);

create index if not exists bookings_starts_at_idx on public.bookings (restaurant_id, starts_at);
create index if not exists bookings_customer_idx on public.bookings (restaurant_id, customer_id, starts_at);

comment on table public.bookings is 'A party that comes, or came, at a time.';
comment on column public.bookings.customer_id is 'NULL for a walk-in who left no name.';
comment on column public.bookings.reference is 'The code that guests quote.';
comment on column public.bookings.booking_date is
  'The service day in the restaurant''s time zone: a table at half past midnight belongs to the evening before.';
comment on column public.bookings.idempotency_key is 'Sent by the client, so that a request that is repeated books once.';
comment on constraint bookings_booking_date_key on public.bookings is 'For what is kept by the date of its booking.';

select tenancy.protect('public.bookings', 'restaurant_id');

create table if not exists public.holds (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  booking_id uuid,
  party_size integer not null check (party_size > 0),
  booking_date date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status text not null default 'active' check (status in ('active', 'confirmed', 'released', 'expired')),
  expires_at timestamptz not null,
  idempotency_key text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint holds_end_after_start check (ends_at > starts_at),
  primary key (restaurant_id, id),
  unique (restaurant_id, idempotency_key),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id)
);

create index if not exists holds_starts_at_idx on public.holds (restaurant_id, starts_at);
create index if not exists holds_booking_idx on public.holds (restaurant_id, booking_id);
create index if not exists holds_expiry_idx on public.holds (restaurant_id, expires_at) where status = 'active';

comment on table public.holds is 'Covers kept free while a guest checks out, before anybody has thought of tables.';
comment on column public.holds.booking_id is 'What it became; NULL until then.';
comment on column public.holds.expires_at is 'From then on it counts no more, whether or not the sweeper has been by.';

select tenancy.protect('public.holds', 'restaurant_id');
--! EndIncluded platform/bookings.sql
--! Included platform/table-holds.sql
create table if not exists public.table_holds (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  booking_id uuid,
  booking_date date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status text not null default 'active' check (status in ('active', 'confirmed', 'released', 'expired')),
  expires_at timestamptz not null,
  held_by text,
  idempotency_key text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint table_holds_end_after_start check (ends_at > starts_at),
  -- Over all months it is public.table_hold_keys that keeps ids and idempotency keys apart.
  primary key (restaurant_id, id, created_at),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id)
) partition by range (created_at);

create index if not exists table_holds_starts_at_idx on public.table_holds (restaurant_id, starts_at);
create index if not exists table_holds_booking_idx on public.table_holds (restaurant_id, booking_id);
create index if not exists table_holds_expiry_idx on public.table_holds (restaurant_id, expires_at) where status = 'active';

comment on table public.table_holds is 'Tables kept free for a while, together: one hold is confirmed or lost as a whole.';
comment on column public.table_holds.booking_id is 'For whom; NULL while staff are only trying things out.';
comment on column public.table_holds.held_by is 'Subject of the claims that took it.';
comment on column public.table_holds.expires_at is 'From then on anybody may release it.';
comment on column public.table_holds.created_at is 'The partition key. Stays as it is.';
comment on column public.table_holds.idempotency_key is 'There once for each tenant, by public.table_hold_keys. Stays as it is.';

select tenancy.protect('public.table_holds', 'restaurant_id');
--! EndIncluded platform/table-holds.sql
--! Included platform/hold-keys.sql
-- What must be true of all holds at once, over all months of public.table_holds: a unique key of a partitioned table holds within a
-- partition only, unless it contains the partition key, and then it says less. So each hold has a row here, small and in one table:
-- its id and its idempotency_key are there once, and what belongs to a hold refers to it as ever, by tenant and id alone.

create table if not exists public.table_hold_keys (
  restaurant_id uuid not null references public.restaurants (id),
  hold_id uuid not null,
  hold_created_at timestamptz not null,
  idempotency_key text,
  -- The third column is there for the foreign key to the hold.
  primary key (restaurant_id, hold_id) include (hold_created_at),
  unique (restaurant_id, idempotency_key),
  constraint table_hold_keys_hold_fkey
    foreign key (restaurant_id, hold_id, hold_created_at) references public.table_holds (restaurant_id, id, created_at)
    on delete cascade deferrable initially deferred
);

-- Whoever forgets old ones does so for all tenants at once.
create index if not exists table_hold_keys_hold_created_at_idx on public.table_hold_keys (hold_created_at);

comment on table public.table_hold_keys is
  'Id and idempotency_key of every hold, each once per tenant over all months. An insert into public.table_holds writes it; it goes with its hold.';
comment on constraint table_hold_keys_hold_fkey on public.table_hold_keys is
  'Keys go with their hold. Deferred, since they are entered before it.';
comment on column public.table_hold_keys.hold_created_at is 'created_at of the hold: the month in which it is kept.';
comment on column public.table_hold_keys.idempotency_key is 'Of the hold: a request that is repeated gets unique_violation (23505).';

select tenancy.protect('public.table_hold_keys', 'restaurant_id');

drop policy if exists table_hold_keys_stand on public.table_hold_keys;
create policy table_hold_keys_stand on public.table_hold_keys as restrictive for update to public using (false);
comment on policy table_hold_keys_stand on public.table_hold_keys is 'Nobody changes what a hold is known by.';
drop policy if exists table_hold_keys_remove on public.table_hold_keys;
create policy table_hold_keys_remove on public.table_hold_keys as restrictive for delete to public using ((select tenancy.is_background()));
comment on policy table_hold_keys_remove on public.table_hold_keys is 'A key goes with its hold; besides that only background jobs forget it.';

create or replace function public.enter_table_hold() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    raise restrict_violation using
      message = 'id, created_at and idempotency_key of a hold do not change',
      hint = 'Release this hold and take another one.';
  end if;
  insert into public.table_hold_keys (restaurant_id, hold_id, hold_created_at, idempotency_key)
  values (new.restaurant_id, new.id, new.created_at, new.idempotency_key);
  return new;
end
$$;
comment on function public.enter_table_hold() is
  'Before a hold is inserted: enters its keys, with the rights of whoever inserts. Refuses to change them.';
revoke execute on function public.enter_table_hold() from public;

-- Before, not after: in a statement that inserts holds and their members at once, nobody knows which comes first, and the keys have to
-- be there when the members' foreign key looks. That of the keys, to the hold, is looked at when the transaction ends.
create or replace trigger enter_table_hold before insert on public.table_holds
  for each row execute function public.enter_table_hold();
comment on trigger enter_table_hold on public.table_holds is 'Id and idempotency_key are there once, whatever the month.';

-- An UPDATE that moves a row to another partition is a DELETE to foreign keys before PostgreSQL 15: members would go with it.
create or replace trigger keep_table_hold_keys before update of id, created_at, idempotency_key on public.table_holds
  for each row
  when (old.id <> new.id or old.created_at <> new.created_at or old.idempotency_key is distinct from new.idempotency_key)
  execute function public.enter_table_hold();
comment on trigger keep_table_hold_keys on public.table_holds is 'What a hold is known by stays.';

-- A month of holds that something refers to cannot be detached. Members go with the keys, and so do the allocations of holds that came
-- to nothing; the holds themselves stay in their month, and go, or are kept, with it.
create or replace function public.forget_table_holds(before timestamptz, max_holds integer default 1000) returns integer
language plpgsql
set search_path = ''
as $$
declare
  forgotten pg_catalog.int4;
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'SET LOCAL ROLE app_background, then tenancy.set_job(…), in the same transaction.';
  end if;
  with over as materialized (
    select k.restaurant_id, k.hold_id
    from public.table_hold_keys as k
    join public.table_holds as h
      on h.restaurant_id = k.restaurant_id and h.id = k.hold_id and h.created_at = k.hold_created_at
    where k.hold_created_at < forget_table_holds.before and h.created_at < forget_table_holds.before
      and (h.status <> 'active' or h.expires_at <= clock_timestamp())
      and not exists (
        select from public.allocations as a
        where a.restaurant_id = k.restaurant_id and a.hold_id = k.hold_id and a.released_at is null and a.ends_at > clock_timestamp()
      )
    order by h.created_at
    limit max_holds
    -- The holds, since nobody may change keys, or lock them. What is being confirmed is left alone.
    for update of h skip locked
  ),
  -- Whoever is bound by row security when it detaches a month does not see what refers to it: that comes here.
  left_behind as materialized (
    select k.restaurant_id, k.hold_id
    from public.table_hold_keys as k
    where k.hold_created_at < forget_table_holds.before
      and not exists (
        select from public.table_holds as h
        where h.restaurant_id = k.restaurant_id and h.id = k.hold_id and h.created_at = k.hold_created_at and h.created_at < forget_table_holds.before
      )
    limit max_holds
  ),
  finished as (
    select * from over union all select * from left_behind
  ),
  freed as (
    delete from public.allocations as a using finished as o where a.restaurant_id = o.restaurant_id and a.hold_id = o.hold_id
  ),
  gone as (
    delete from public.table_hold_keys as k using finished as o where k.restaurant_id = o.restaurant_id and k.hold_id = o.hold_id
    returning k.hold_id
  )
  select count(*) into forgotten from gone;
  return forgotten;
end
$$;
comment on function public.forget_table_holds(timestamptz, integer) is
  'Forgets what refers to holds made before that moment which are over: their keys, members and allocations, at most so many at a time; '
  'says how many; of holds that are not there any more too. Then the months before it can be detached. The holds stay in them. '
  'For background jobs.';

revoke execute on function public.forget_table_holds(timestamptz, integer) from public;
grant execute on function public.forget_table_holds(timestamptz, integer) to app_background;
--! EndIncluded platform/hold-keys.sql
--! Included platform/allocations.sql
create table if not exists public.table_hold_members (
  restaurant_id uuid not null references public.restaurants (id),
  hold_id uuid not null,
  table_id uuid not null,
  primary key (restaurant_id, hold_id, table_id),
  foreign key (restaurant_id, hold_id) references public.table_hold_keys (restaurant_id, hold_id) on delete cascade,
  foreign key (restaurant_id, table_id) references public.restaurant_tables (restaurant_id, id)
);

create index if not exists table_hold_members_table_idx on public.table_hold_members (restaurant_id, table_id);

comment on table public.table_hold_members is 'The tables of a hold.';

select tenancy.protect('public.table_hold_members', 'restaurant_id');

create table if not exists public.allocations (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  table_id uuid not null,
  hold_id uuid,
  booking_id uuid,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  released_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint allocations_for_one check (num_nonnulls(hold_id, booking_id) = 1),
  constraint allocations_end_after_start check (ends_at > starts_at),
  primary key (restaurant_id, id),
  foreign key (restaurant_id, table_id) references public.restaurant_tables (restaurant_id, id),
  foreign key (restaurant_id, hold_id) references public.table_hold_keys (restaurant_id, hold_id),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =,
    table_id with =,
    tstzrange(starts_at, ends_at) with &&
  ) where (released_at is null)
);

create index if not exists allocations_table_idx on public.allocations (restaurant_id, table_id, starts_at);
create index if not exists allocations_hold_idx on public.allocations (restaurant_id, hold_id);
create index if not exists allocations_booking_idx on public.allocations (restaurant_id, booking_id);

comment on table public.allocations is
  'Which table is taken when, by a hold or a booking: both are here, so that one constraint rules out double bookings.';
comment on column public.allocations.hold_id is
  'Confirming a hold moves its allocations to the booking in place, so that the table is never free in between.';
comment on column public.allocations.released_at is 'When the table became free again; NULL while it is taken.';
comment on constraint allocations_no_overlap on public.allocations is
  'No table is taken twice at a time. One party may leave as the next one comes: the end does not belong to it.';

select tenancy.protect('public.allocations', 'restaurant_id');
--! EndIncluded platform/allocations.sql
--! Included platform/assignments.sql
create table if not exists public.booking_table_assignments (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  booking_id uuid not null,
  table_id uuid not null,
  booking_date date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  assigned_by text,
  idempotency_key text,
  created_at timestamptz not null default now(),
  constraint booking_table_assignments_end_after_start check (ends_at > starts_at),
  primary key (restaurant_id, id, booking_date),
  -- A booking has one date, so that a table is assigned to it once. The date is not the last column, since the foreign key to the
  -- booking begins with these three.
  constraint booking_table_assignments_once_key unique (restaurant_id, booking_id, booking_date, table_id),
  constraint booking_table_assignments_restaurant_id_idempotency_key_tab_key
    unique (restaurant_id, idempotency_key, table_id, booking_date),
  constraint booking_table_assignments_booking_fkey
    foreign key (restaurant_id, booking_id, booking_date) references public.bookings (restaurant_id, id, booking_date)
    on update cascade,
  foreign key (restaurant_id, table_id) references public.restaurant_tables (restaurant_id, id)
) partition by range (booking_date);

create index if not exists booking_table_assignments_table_idx
  on public.booking_table_assignments (restaurant_id, table_id, starts_at);
create index if not exists booking_table_assignments_date_idx
  on public.booking_table_assignments (restaurant_id, booking_date);

comment on table public.booking_table_assignments is
  'Which tables a booking sits at. What keeps them free is public.allocations.';
comment on column public.booking_table_assignments.booking_date is
  'That of the booking, always: assignments are listed, and kept, by day. The partition key.';
comment on constraint booking_table_assignments_booking_fkey on public.booking_table_assignments is
  'An assignment has the date of its booking, and moves with it.';
comment on column public.booking_table_assignments.assigned_by is 'Subject of the claims, or the job, that chose the table.';
comment on column public.booking_table_assignments.idempotency_key is
  'Of the confirmation. One confirmation assigns several tables, hence the table in the unique key.';

select tenancy.protect('public.booking_table_assignments', 'restaurant_id');
--! EndIncluded platform/assignments.sql
--! Included platform/outboxes.sql
-- An outbox row is written in the transaction that it tells of and delivered at least once: a dispatcher claims it by
-- FOR UPDATE SKIP LOCKED, sends it and marks it. It names other rows without foreign keys, since it outlives them.

create table if not exists public.capacity_outbox (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  event_type text not null check (event_type <> ''),
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
  dedupe_key text,
  idempotency_key text,
  status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null default now(),
  locked_until timestamptz,
  locked_by text,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint capacity_outbox_finished_at_if_finished
    check ((finished_at is not null) = (status in ('done', 'dead'))),
  primary key (restaurant_id, id)
);

comment on table public.capacity_outbox is 'Changes of free capacity, for the caches and partners that show it.';
comment on column public.capacity_outbox.dedupe_key is 'Events with the same key tell the same thing: one that waits is enough.';
comment on column public.capacity_outbox.idempotency_key is
  'Of the request that caused it, which may be repeated and is still one.';
comment on column public.capacity_outbox.status is 'dead: tried too often, waits for a person.';
comment on column public.capacity_outbox.next_attempt_at is 'No dispatcher tries before then.';
comment on column public.capacity_outbox.locked_until is
  'Until then the row is leased to the dispatcher in locked_by; after that another one may claim it.';

select tenancy.protect('public.capacity_outbox', 'restaurant_id');

create table if not exists public.outbox (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  destination text not null check (destination in ('email', 'sms', 'webhook', 'calendar')),
  event_type text not null check (event_type <> ''),
  aggregate_type text not null check (aggregate_type <> ''),
  aggregate_id uuid not null,
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
  dedupe_key text,
  idempotency_key text,
  status text not null default 'pending' check (status in ('pending', 'processing', 'done', 'dead')),
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null default now(),
  locked_until timestamptz,
  locked_by text,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint outbox_finished_at_if_finished
    check ((finished_at is not null) = (status in ('done', 'dead'))),
  primary key (restaurant_id, id)
);

create index if not exists outbox_aggregate_idx on public.outbox (restaurant_id, aggregate_id);

comment on table public.outbox is
  'Messages to guests and to other systems. Columns without a comment mean what they do in public.capacity_outbox.';
comment on column public.outbox.aggregate_type is 'What the message is about, such as booking.';
comment on column public.outbox.aggregate_id is 'Its id.';

select tenancy.protect('public.outbox', 'restaurant_id');
--! EndIncluded platform/outboxes.sql
--! Included platform/events.sql
create table if not exists public.analytics_events (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  event_name text not null check (event_name <> ''),
  session_id text,
  properties jsonb not null default '{}' check (jsonb_typeof(properties) = 'object'),
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id, created_at)
) partition by range (created_at);

create index if not exists analytics_events_name_idx on public.analytics_events (restaurant_id, event_name, occurred_at);
create index if not exists analytics_events_created_at_idx on public.analytics_events (restaurant_id, created_at);

comment on table public.analytics_events is 'What guests did, for reports. Added to and never changed.';
comment on column public.analytics_events.session_id is 'The visit it belongs to; names no person.';
comment on column public.analytics_events.occurred_at is 'By the clock of the device, which may be wrong; created_at is ours.';

select tenancy.protect('public.analytics_events', 'restaurant_id');
select tenancy.append_only('public.analytics_events');

create table if not exists public.observability_events (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  source text not null check (source <> ''),
  event_type text not null check (event_type <> ''),
  severity text not null check (severity in ('debug', 'info', 'warning', 'error', 'critical')),
  trace_id text,
  context jsonb not null default '{}' check (jsonb_typeof(context) = 'object'),
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id, created_at)
) partition by range (created_at);

create index if not exists observability_events_created_at_idx on public.observability_events (restaurant_id, created_at);
create index if not exists observability_events_severity_idx on public.observability_events (restaurant_id, severity, created_at);

comment on table public.observability_events is 'What the system did and how that went. Added to and never changed.';
comment on column public.observability_events.source is 'The component that reports, such as allocator.';
comment on column public.observability_events.trace_id is 'W3C trace id, to find the logs of the same request.';

select tenancy.protect('public.observability_events', 'restaurant_id');
select tenancy.append_only('public.observability_events');
--! EndIncluded platform/events.sql
--! Included platform/by-month.sql
-- The tables that are kept by month. The last month too, and the months to come: what a transaction adds that began before midnight
-- belongs there.

-- West of Greenwich the last day of a month goes on when the month is over in UTC. A year ahead: guests book their Christmas dinner in
-- spring.
select partitions.manage('public.booking_table_assignments', 'month', premake => 12);
select partitions.manage('public.table_holds', 'month', retention => '6 months');
select partitions.manage('public.analytics_events', 'month', retention => '25 months');
select partitions.manage('public.observability_events', 'month', retention => '6 months');

select partitions.fill(m.parent, p.starts_at, p.ends_at)
from unnest(array['booking_table_assignments', 'table_holds', 'analytics_events', 'observability_events']) as t (name)
join partitions.managed as m on m.parent = format('public.%I', t.name)::regclass
cross join partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure(m.parent)
from unnest(array['booking_table_assignments', 'table_holds', 'analytics_events', 'observability_events']) as t (name)
join partitions.managed as m on m.parent = format('public.%I', t.name)::regclass;
--! EndIncluded platform/by-month.sql
