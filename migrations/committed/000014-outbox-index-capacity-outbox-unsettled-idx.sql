--! Previous: sha1:11103d55df05abd6fe82f4ed5435005c0e69d143
--! Hash: sha1:a6153bedf405d40c8e8bcc3d7e4dfa80f3e20874
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
