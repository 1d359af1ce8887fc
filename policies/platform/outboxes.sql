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
