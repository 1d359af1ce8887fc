--! Previous: sha1:d1c5a8e18bfc09a22cd8aca75ac0404caf606159
--! Hash: sha1:bc1ac48167db137f3a78a7a2a09b1a69c553f020
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
