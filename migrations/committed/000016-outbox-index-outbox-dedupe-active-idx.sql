--! Previous: sha1:26db656d16fd01732d07a25cdf1501b8dabcff3f
--! Hash: sha1:75ba8e34532234a7f8999918caf06ad1179282a1
--! Message: outbox: index outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists outbox_dedupe_active_idx on public.outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing') and coalesce(dedupe_key, idempotency_key) is not null;
