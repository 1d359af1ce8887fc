--! Previous: sha1:efecd7c2d258aa4417af218c54a87caca9d6fafd
--! Hash: sha1:d7d75be63c6a8440580a3d2155e548f6a2b39e4a
--! Message: outbox: index capacity outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists capacity_outbox_dedupe_active_idx on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing');
