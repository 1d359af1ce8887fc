--! Previous: sha1:1afbc8a817255ff1489fe4f81d30a8990fd4debf
--! Hash: sha1:9c3b7a469a362821b5453c9eca3fda04222be2d4
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
