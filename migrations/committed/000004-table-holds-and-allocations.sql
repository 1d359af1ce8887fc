--! Previous: sha1:d81896bf7432b933a0b60dbe9c2617d70037475e
--! Hash: sha1:9eabcfa68bc91b3f0b781a81e04bdd3e8ab5bd28
--! Message: table holds and allocations

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

create table public.table_holds (
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
  primary key (restaurant_id, id),
  unique (restaurant_id, idempotency_key),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id)
);

create index table_holds_starts_at_idx on public.table_holds (restaurant_id, starts_at);
create index table_holds_booking_idx on public.table_holds (restaurant_id, booking_id);
create index table_holds_expiry_idx on public.table_holds (restaurant_id, expires_at) where status = 'active';

comment on table public.table_holds is 'Tables kept free for a while, together: one hold is confirmed or lost as a whole.';
comment on column public.table_holds.booking_id is 'For whom; NULL while staff are only trying things out.';
comment on column public.table_holds.held_by is 'Subject of the claims that took it.';
comment on column public.table_holds.expires_at is 'From then on anybody may release it.';

select tenancy.protect('public.table_holds', 'restaurant_id');

create table public.table_hold_members (
  restaurant_id uuid not null references public.restaurants (id),
  hold_id uuid not null,
  table_id uuid not null,
  primary key (restaurant_id, hold_id, table_id),
  foreign key (restaurant_id, hold_id) references public.table_holds (restaurant_id, id) on delete cascade,
  foreign key (restaurant_id, table_id) references public.restaurant_tables (restaurant_id, id)
);

create index table_hold_members_table_idx on public.table_hold_members (restaurant_id, table_id);

comment on table public.table_hold_members is 'The tables of a hold.';

select tenancy.protect('public.table_hold_members', 'restaurant_id');

create table public.allocations (
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
  foreign key (restaurant_id, hold_id) references public.table_holds (restaurant_id, id),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id),
  constraint allocations_no_overlap exclude using gist (
    restaurant_id with =,
    table_id with =,
    tstzrange(starts_at, ends_at) with &&
  ) where (released_at is null)
);

create index allocations_table_idx on public.allocations (restaurant_id, table_id, starts_at);
create index allocations_hold_idx on public.allocations (restaurant_id, hold_id);
create index allocations_booking_idx on public.allocations (restaurant_id, booking_id);

comment on table public.allocations is
  'Which table is taken when, by a hold or a booking: both are here, so that one constraint rules out double bookings.';
comment on column public.allocations.hold_id is
  'Confirming a hold moves its allocations to the booking in place, so that the table is never free in between.';
comment on column public.allocations.released_at is 'When the table became free again; NULL while it is taken.';
comment on constraint allocations_no_overlap on public.allocations is
  'No table is taken twice at a time. One party may leave as the next one comes: the end does not belong to it.';

select tenancy.protect('public.allocations', 'restaurant_id');

create table public.booking_table_assignments (
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
  primary key (restaurant_id, id),
  unique (restaurant_id, booking_id, table_id),
  unique (restaurant_id, idempotency_key, table_id),
  foreign key (restaurant_id, booking_id) references public.bookings (restaurant_id, id),
  foreign key (restaurant_id, table_id) references public.restaurant_tables (restaurant_id, id)
);

create index booking_table_assignments_table_idx
  on public.booking_table_assignments (restaurant_id, table_id, starts_at);
create index booking_table_assignments_date_idx
  on public.booking_table_assignments (restaurant_id, booking_date);

comment on table public.booking_table_assignments is
  'Which tables a booking sits at. What keeps them free is public.allocations.';
comment on column public.booking_table_assignments.booking_date is
  'That of the booking, copied: assignments are listed, and kept, by day.';
comment on column public.booking_table_assignments.assigned_by is 'Subject of the claims, or the job, that chose the table.';
comment on column public.booking_table_assignments.idempotency_key is
  'Of the confirmation. One confirmation assigns several tables, hence the table in the unique key.';

select tenancy.protect('public.booking_table_assignments', 'restaurant_id');
