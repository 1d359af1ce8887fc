--! Previous: sha1:9eabcfa68bc91b3f0b781a81e04bdd3e8ab5bd28
--! Hash: sha1:daccb857bad2cd898d5284fe835d6a0b06fbb5df
--! Message: outbox and events

-- An outbox row is written in the transaction that it tells of and delivered at least once: a dispatcher claims it by
-- FOR UPDATE SKIP LOCKED, sends it and marks it. It names other rows without foreign keys, since it outlives them.

create table public.capacity_outbox (
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

create index capacity_outbox_due_idx on public.capacity_outbox (restaurant_id, status, next_attempt_at);

comment on table public.capacity_outbox is 'Changes of free capacity, for the caches and partners that show it.';
comment on column public.capacity_outbox.dedupe_key is 'Events with the same key tell the same thing: one that waits is enough.';
comment on column public.capacity_outbox.idempotency_key is
  'Of the request that caused it, which may be repeated and is still one.';
comment on column public.capacity_outbox.status is 'dead: tried too often, waits for a person.';
comment on column public.capacity_outbox.next_attempt_at is 'No dispatcher tries before then.';
comment on column public.capacity_outbox.locked_until is
  'Until then the row is leased to the dispatcher in locked_by; after that another one may claim it.';

select tenancy.protect('public.capacity_outbox', 'restaurant_id');

create table public.outbox (
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

create index outbox_due_idx on public.outbox (restaurant_id, status, next_attempt_at);
create index outbox_aggregate_idx on public.outbox (restaurant_id, aggregate_id);

comment on table public.outbox is
  'Messages to guests and to other systems. Columns without a comment mean what they do in public.capacity_outbox.';
comment on column public.outbox.aggregate_type is 'What the message is about, such as booking.';
comment on column public.outbox.aggregate_id is 'Its id.';

select tenancy.protect('public.outbox', 'restaurant_id');

create table public.analytics_events (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  event_name text not null check (event_name <> ''),
  session_id text,
  properties jsonb not null default '{}' check (jsonb_typeof(properties) = 'object'),
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);

create index analytics_events_name_idx on public.analytics_events (restaurant_id, event_name, occurred_at);
create index analytics_events_created_at_idx on public.analytics_events (restaurant_id, created_at);

comment on table public.analytics_events is 'What guests did, for reports. Added to and never changed.';
comment on column public.analytics_events.session_id is 'The visit it belongs to; names no person.';
comment on column public.analytics_events.occurred_at is 'By the clock of the device, which may be wrong; created_at is ours.';

select tenancy.protect('public.analytics_events', 'restaurant_id');
select tenancy.append_only('public.analytics_events');

create table public.observability_events (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  source text not null check (source <> ''),
  event_type text not null check (event_type <> ''),
  severity text not null check (severity in ('debug', 'info', 'warning', 'error', 'critical')),
  trace_id text,
  context jsonb not null default '{}' check (jsonb_typeof(context) = 'object'),
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);

create index observability_events_created_at_idx on public.observability_events (restaurant_id, created_at);
create index observability_events_severity_idx on public.observability_events (restaurant_id, severity, created_at);

comment on table public.observability_events is 'What the system did and how that went. Added to and never changed.';
comment on column public.observability_events.source is 'The component that reports, such as allocator.';
comment on column public.observability_events.trace_id is 'W3C trace id, to find the logs of the same request.';

select tenancy.protect('public.observability_events', 'restaurant_id');
select tenancy.append_only('public.observability_events');
