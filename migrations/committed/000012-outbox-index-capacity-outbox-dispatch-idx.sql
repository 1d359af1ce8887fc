--! Previous: sha1:4ba49f553b6e91a0dab0fb3383fba27125c4ae54
--! Hash: sha1:808a6920e6c30192419e883a56816b72c7a16478
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
