--! Previous: sha1:b0eccf47be402df97c65c3a00dec594bbc4b17ba
--! Hash: sha1:26db656d16fd01732d07a25cdf1501b8dabcff3f
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
