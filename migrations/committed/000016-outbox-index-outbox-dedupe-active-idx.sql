--! Previous: sha1:9c3b7a469a362821b5453c9eca3fda04222be2d4
--! Hash: sha1:4e415926a9fb4044352caeeeedb5c857c66939ad
--! Message: outbox: index outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists outbox_dedupe_active_idx on public.outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing') and coalesce(dedupe_key, idempotency_key) is not null;
