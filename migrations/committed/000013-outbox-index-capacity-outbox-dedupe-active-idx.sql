--! Previous: sha1:5057001920db4e6bf40a4d6bceea794c691289ba
--! Hash: sha1:cad1973e169da5ecce3eccd6236439700328811f
--! Message: outbox: index capacity outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists capacity_outbox_dedupe_active_idx on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing');
