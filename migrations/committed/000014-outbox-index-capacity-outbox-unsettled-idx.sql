--! Previous: sha1:5724dd47797830f6d795bff49f66683c7cb70b9a
--! Hash: sha1:e5a777a03a19fb4c6fdbb9bdd5510e04e426b8a2
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
