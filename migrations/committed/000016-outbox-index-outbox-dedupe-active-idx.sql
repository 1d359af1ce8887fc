--! Previous: sha1:6a78b7666b364e443ddc3ef22e9c0d5831603eee
--! Hash: sha1:b7a4b680ec26eb176fbaf22cd27d4279c4aa9b32
--! Message: outbox: index outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists outbox_dedupe_active_idx on public.outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing') and coalesce(dedupe_key, idempotency_key) is not null;
