--! Previous: sha1:5ddd2af2913711ae7915d9b1a78eaf9c717d9405
--! Hash: sha1:8f1a79cb0f56ac71c018136a577ca3dc092937bf
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
