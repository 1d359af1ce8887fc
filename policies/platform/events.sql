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
