--! Previous: sha1:df012c1759c9a4c1d885f4640fe70bcc9996e75e
--! Hash: sha1:8002c2547f1855c7cd8dc6f3f30b522fb09bcf09
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
