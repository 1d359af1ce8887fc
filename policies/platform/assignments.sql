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
