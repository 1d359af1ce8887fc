--! Previous: sha1:77c2604a9320dd03619c3f9c77a5a9a0bb1a1b60
--! Hash: sha1:250f932e5a33e45ff8f0441b57952e4ea7a39d7e
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
