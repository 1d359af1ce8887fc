-- Three restaurants to look around in. Run it in one transaction; a second run changes nothing. It goes in as a background
-- job, since row security is forced and the owner may have no BYPASSRLS.
-- Ids are derived from what a row is, so that they are the same on every branch. The guests' e-mail addresses and phone
-- numbers want a key in the transaction, app.pii.key: guests that are there already are left alone, whatever key they are under.
--
-- Yesterday may be in a month before the first that there is, and a branch that nobody has used for a while lacks the current one.
select count(made) from partitions.managed as m, partitions.ensure(m.parent) as made;
select count(made)
from partitions.periods('month', 'UTC', now() - interval '2 days', now()) as p,
  partitions.fill('public.booking_table_assignments', p.starts_at, p.ends_at) as made;

set local role app_background;
select tenancy.set_job('demo-data');

insert into public.restaurants (id, name, time_zone, locale, currency, contact_email, contact_phone)
values
  ('de300000-0000-4000-8000-000000000001', 'Osteria del Porto', 'Europe/Rome', 'it', 'EUR', 'ciao@osteria.example', '+39 010 555 0101'),
  ('de300000-0000-4000-8000-000000000002', 'Harbour Grill', 'Europe/London', 'en', 'GBP', 'hello@harbour.example', '+44 20 7946 0102'),
  ('de300000-0000-4000-8000-000000000003', 'Maison du Lac', 'Europe/Zurich', 'fr', 'CHF', 'bonjour@maison.example', '+41 22 555 01 03')
on conflict do nothing;

insert into public.restaurant_tables (restaurant_id, id, label, area, min_covers, max_covers)
select r.id, md5(r.id || ' table ' || t.label)::uuid, t.label, t.area, t.min_covers, t.max_covers
from public.restaurants as r,
  (values ('1', 'window', 1, 2), ('2', 'window', 2, 4), ('3', 'hall', 2, 4), ('4', 'hall', 4, 8))
    as t (label, area, min_covers, max_covers)
where r.id::text like 'de300000-%'
on conflict do nothing;

insert into public.customers (restaurant_id, id, full_name, email, phone, accepts_marketing)
select r.id, md5(r.id || ' customer ' || c.email)::uuid, c.full_name, c.email, c.phone, c.accepts_marketing
from public.restaurants as r,
  (values
    ('Ada Moreau', 'Ada.Moreau@guests.example', '+33 6 55 50 01 01', true),
    ('Bilal Haddad', 'bilal@guests.example', '+44 7700 900102', false),
    ('Chiara Conti', 'chiara.conti@guests.example', '+39 333 555 0103', true),
    ('Dagny Lund', 'dagny@guests.example', null, false))
    as c (full_name, email, phone, accepts_marketing)
where r.id::text like 'de300000-%'
  and not exists (
    select from public.customers as known
    where known.restaurant_id = r.id and known.id = md5(r.id || ' customer ' || c.email)::uuid
  )
on conflict do nothing;

-- One booking a day from yesterday on, each at a table of its own restaurant.
insert into public.bookings
  (restaurant_id, id, customer_id, reference, party_size, booking_date, starts_at, ends_at, status, cancelled_at, source, idempotency_key)
select
  r.id,
  md5(r.id || ' booking ' || b.reference)::uuid,
  md5(r.id || ' customer ' || b.email)::uuid,
  b.reference,
  b.party_size,
  current_date + b.days,
  (current_date + b.days + time '19:30') at time zone r.time_zone,
  (current_date + b.days + time '21:30') at time zone r.time_zone,
  b.status,
  case b.status when 'cancelled' then now() end,
  b.source,
  'demo-' || b.reference
from public.restaurants as r,
  (values
    ('DEMO1', 'Ada.Moreau@guests.example', 2, -1, 'completed', 'web'),
    ('DEMO2', 'bilal@guests.example', 4, 0, 'confirmed', 'phone'),
    ('DEMO3', 'chiara.conti@guests.example', 3, 1, 'confirmed', 'web'),
    ('DEMO4', 'dagny@guests.example', 6, 2, 'pending', 'partner'),
    ('DEMO5', 'Ada.Moreau@guests.example', 2, 3, 'cancelled', 'web'))
    as b (reference, email, party_size, days, status, source)
where r.id::text like 'de300000-%'
on conflict do nothing;

insert into public.booking_table_assignments
  (restaurant_id, id, booking_id, table_id, booking_date, starts_at, ends_at, assigned_by)
select
  b.restaurant_id,
  md5(b.id || ' assignment')::uuid,
  b.id,
  md5(b.restaurant_id || ' table 2')::uuid,
  b.booking_date,
  b.starts_at,
  b.ends_at,
  'demo-data'
from public.bookings as b
where b.restaurant_id::text like 'de300000-%' and b.status in ('completed', 'confirmed')
on conflict do nothing;

-- The party of six is still choosing: two tables are held for it.
insert into public.table_holds
  (restaurant_id, id, booking_id, booking_date, starts_at, ends_at, expires_at, held_by, idempotency_key)
select
  b.restaurant_id,
  md5(b.id || ' table hold')::uuid,
  b.id,
  b.booking_date,
  b.starts_at,
  b.ends_at,
  now() + interval '1 day',
  'demo-data',
  'demo-' || b.reference
from public.bookings as b
where b.restaurant_id::text like 'de300000-%' and b.status = 'pending'
  -- The time is part of its key, so that "on conflict" finds none.
  and not exists (select from public.table_hold_keys as k where k.restaurant_id = b.restaurant_id and k.hold_id = md5(b.id || ' table hold')::uuid);

insert into public.table_hold_members (restaurant_id, hold_id, table_id)
select h.restaurant_id, h.id, md5(h.restaurant_id || ' table ' || t.label)::uuid
from public.table_holds as h, (values ('3'), ('4')) as t (label)
where h.restaurant_id::text like 'de300000-%'
on conflict do nothing;

insert into public.allocations (restaurant_id, id, table_id, booking_id, starts_at, ends_at)
select a.restaurant_id, md5(a.id || ' allocation')::uuid, a.table_id, a.booking_id, a.starts_at, a.ends_at
from public.booking_table_assignments as a
where a.restaurant_id::text like 'de300000-%'
on conflict do nothing;

insert into public.allocations (restaurant_id, id, table_id, hold_id, starts_at, ends_at)
select h.restaurant_id, md5(h.id || ' allocation ' || m.table_id)::uuid, m.table_id, h.id, h.starts_at, h.ends_at
from public.table_holds as h
join public.table_hold_members as m on m.restaurant_id = h.restaurant_id and m.hold_id = h.id
where h.restaurant_id::text like 'de300000-%'
on conflict do nothing;

insert into public.holds (restaurant_id, id, party_size, booking_date, starts_at, ends_at, expires_at, idempotency_key)
select
  r.id,
  md5(r.id || ' hold')::uuid,
  2,
  current_date + 4,
  (current_date + 4 + time '12:30') at time zone r.time_zone,
  (current_date + 4 + time '14:00') at time zone r.time_zone,
  now() + interval '1 day',
  'demo-hold'
from public.restaurants as r
where r.id::text like 'de300000-%'
on conflict do nothing;

insert into public.feature_flags (restaurant_id, key, enabled, updated_by)
select r.id, f.key, f.enabled, 'demo-data'
from public.restaurants as r,
  (values ('allocator.tx_outbox.enabled', true), ('guests.sms.enabled', false)) as f (key, enabled)
where r.id::text like 'de300000-%'
on conflict do nothing;

-- Ids of the tables below come from a sequence, so "on conflict" would find none: it is what the rows say that must not be
-- there yet.
insert into public.capacity_outbox (restaurant_id, event_type, payload, dedupe_key, idempotency_key)
select a.restaurant_id, 'capacity.taken', jsonb_build_object('allocation_id', a.id), a.table_id::text, 'demo-' || a.id
from public.allocations as a
where a.restaurant_id::text like 'de300000-%'
  and not exists (
    select from public.capacity_outbox as o
    where o.restaurant_id = a.restaurant_id and o.idempotency_key = 'demo-' || a.id
  );

insert into public.outbox
  (restaurant_id, destination, event_type, aggregate_type, aggregate_id, payload, idempotency_key, status, attempts, finished_at)
select
  b.restaurant_id,
  'email',
  'booking.' || b.status,
  'booking',
  b.id,
  jsonb_build_object('reference', b.reference),
  'demo-' || b.reference,
  case b.status when 'completed' then 'done' else 'pending' end,
  case b.status when 'completed' then 1 else 0 end,
  case b.status when 'completed' then now() end
from public.bookings as b
where b.restaurant_id::text like 'de300000-%'
  and not exists (
    select from public.outbox as o
    where o.restaurant_id = b.restaurant_id and o.idempotency_key = 'demo-' || b.reference
  );

insert into public.analytics_events (restaurant_id, event_name, session_id, properties, occurred_at)
select b.restaurant_id, 'booking_requested', 'demo-' || b.reference, jsonb_build_object('party_size', b.party_size), b.created_at
from public.bookings as b
where b.restaurant_id::text like 'de300000-%'
  and not exists (
    select from public.analytics_events as e
    where e.restaurant_id = b.restaurant_id and e.session_id = 'demo-' || b.reference
  );

insert into public.observability_events (restaurant_id, source, event_type, severity, trace_id)
select r.id, 'allocator', e.event_type, e.severity, 'demo-' || e.event_type
from public.restaurants as r,
  (values ('allocation.confirmed', 'info'), ('outbox.slow', 'warning')) as e (event_type, severity)
where r.id::text like 'de300000-%'
  and not exists (
    select from public.observability_events as o
    where o.restaurant_id = r.id and o.trace_id = 'demo-' || e.event_type
  );
