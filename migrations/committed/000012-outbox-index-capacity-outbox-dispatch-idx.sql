--! Previous: sha1:4af3d0e4c0913f3de3b78800e9bce01a82467397
--! Hash: sha1:48452eff1bfc05c278746dbdecea592d3f07e3c2
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
