--! Previous: sha1:062841cdd954053f5a1cb18e79aeb47b0532cfa8
--! Hash: sha1:d818c91bf9459f50412757b0a4b9269fd6724a84
--! Message: outbox: index outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists outbox_dedupe_active_idx on public.outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing') and coalesce(dedupe_key, idempotency_key) is not null;
