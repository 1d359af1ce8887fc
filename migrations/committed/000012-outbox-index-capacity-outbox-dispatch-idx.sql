--! Previous: sha1:b7663f07475d67c7445f13a517d52060ee9ba4e4
--! Hash: sha1:8f027b5913e8455e242b39c6cb94efd5806ef33b
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
