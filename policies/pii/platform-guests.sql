-- What the reference platform keeps of guests besides the protected columns. A new JSON column belongs here too: check H1005. The keys of holds are not
-- here, since a trigger keeps them: pii.find_customer() tells whether a client has put an address into one.
select pii.register_guest_column(c.relation::pg_catalog.regclass, c.column_name::pg_catalog.name, c.holds, '{}', c.stays, c.reason)
from (values
  ('public.customers', 'id', 'guest', null, null),
  ('public.customers', 'full_name', 'text', '[erased]', null),
  ('public.customers', 'notes', 'text', null, null),
  ('public.bookings', 'customer_id', 'guest', null, null),
  ('public.bookings', 'reference', 'code', null, null),
  ('public.bookings', 'idempotency_key', 'code', null, null),
  ('public.bookings', 'notes', 'text', null, null),
  ('public.outbox', 'aggregate_id', 'about', null, null),
  ('public.outbox', 'payload', 'json', null, null),
  ('public.outbox', 'last_error', 'text', null, null),
  ('public.outbox', 'dedupe_key', 'code', null, null),
  ('public.outbox', 'idempotency_key', 'code', null, null),
  ('public.capacity_outbox', 'payload', 'json', null, null),
  ('public.capacity_outbox', 'last_error', 'text', null, null),
  ('public.capacity_outbox', 'dedupe_key', 'code', null, null),
  ('public.capacity_outbox', 'idempotency_key', 'code', null, null),
  ('public.capacity_outbox_archive', 'payload', 'json', null, null),
  ('public.capacity_outbox_archive', 'dedupe_key', 'code', null, null),
  ('public.capacity_outbox_archive', 'idempotency_key', 'code', null, null),
  ('public.analytics_events', 'properties', 'json', null, null),
  ('public.analytics_events', 'session_id', 'code', null, null),
  ('public.observability_events', 'context', 'json', null, null),
  ('public.feature_flags', 'settings', 'nothing', null, 'settings of features, by staff'),
  ('public.confirmations', 'answer', 'nothing', null, 'ids of tables, bookings and events, by confirm_hold_assignment_tx()'),
  ('pii.erasures', 'cleared', 'nothing', null, 'numbers of rows, by erasure')
) as c (relation, column_name, holds, stays, reason);
