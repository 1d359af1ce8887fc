--! Previous: sha1:848215a6dfe194cca8954e266fd9ba3f22870d52
--! Hash: sha1:5057001920db4e6bf40a4d6bceea794c691289ba
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
