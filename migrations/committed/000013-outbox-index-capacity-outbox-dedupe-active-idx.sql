--! Previous: sha1:808a6920e6c30192419e883a56816b72c7a16478
--! Hash: sha1:5724dd47797830f6d795bff49f66683c7cb70b9a
--! Message: outbox: index capacity outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists capacity_outbox_dedupe_active_idx on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing');
