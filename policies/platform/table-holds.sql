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
