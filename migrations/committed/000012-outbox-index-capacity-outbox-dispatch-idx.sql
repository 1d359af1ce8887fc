--! Previous: sha1:d7bbf3d411503903addc8a85a09e9230d013f647
--! Hash: sha1:a3385db839138b4dd7919f6bb3a772ec9cce0e19
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
