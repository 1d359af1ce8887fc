--! Previous: sha1:df3349175137e3f8b7ff5ec8f7b4cb9d1ef41d9a
--! Hash: sha1:3f377c8571e335a40c00807aa4f8ca642e0242f9
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
