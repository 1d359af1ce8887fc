--! Previous: sha1:2108c917fc43cfe7aa27c2303dbec07d147bc794
--! Hash: sha1:c699f7efa83353c3a6e0aa1dca9ba0d7a9f11cd8
--! Message: outbox: index outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists outbox_dedupe_active_idx on public.outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing') and coalesce(dedupe_key, idempotency_key) is not null;
