--! Previous: sha1:8f027b5913e8455e242b39c6cb94efd5806ef33b
--! Hash: sha1:649f2385babb274e2baab421d0055bb9ab4f4abd
--! Message: outbox: index capacity outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists capacity_outbox_dedupe_active_idx on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing');
