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
