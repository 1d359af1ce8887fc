-- Bookings of many tenants, mixed as they come in: a tenant's rows lie on pages that are full of others' rows.
-- In: the settings bench.restaurants and bench.rows. Wants the tenancy functions and roles of the reference platform.
create schema bench;
comment on schema bench is 'What harness bench measures';
grant usage on schema bench to authenticated;

create table bench.bookings (
  restaurant_id uuid not null,
  id bigint not null,
  guest text not null,
  party_size int not null,
  status text not null default 'confirmed',
  created_at timestamptz not null,
  primary key (restaurant_id, id)
) with (autovacuum_enabled = false);  -- vacuumed once before measuring, and not in the middle of it
comment on table bench.bookings is 'Tenant data, spread evenly over the tenants';

insert into bench.bookings
select pg_catalog.md5('restaurant ' || n % current_setting('bench.restaurants')::int)::uuid,
       n, 'guest ' || n, 1 + n % 8, 'confirmed', timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second'
  from pg_catalog.generate_series(0, current_setting('bench.rows')::int - 1) as n;

create index bookings_latest on bench.bookings (restaurant_id, created_at desc);

select tenancy.protect('bench.bookings', 'restaurant_id');

-- For authenticated nothing changes by this: it frees the owner, so that the same rows can be read without row security
-- also where the owner has no BYPASSRLS.
alter table bench.bookings no force row level security;
