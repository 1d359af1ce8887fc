--! Previous: sha1:96ed6cccbc4693ca9b394c296905b2822e5de1a6
--! Hash: sha1:9fd949bdbc481eebbb8b16145b40ec17c0aa802e
--! Message: outbox: index capacity outbox dedupe active idx

--! no-transaction
-- Without holding up writes. The tenant is part of it, or one tenant's key would refuse another's; COALESCE, for servers without NULLS NOT DISTINCT.
create unique index concurrently if not exists capacity_outbox_dedupe_active_idx on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''), coalesce(idempotency_key, '')) where status in ('pending', 'processing');
