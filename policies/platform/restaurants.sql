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
