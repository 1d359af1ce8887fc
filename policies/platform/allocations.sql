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
