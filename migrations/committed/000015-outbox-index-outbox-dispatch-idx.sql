--! Previous: sha1:a6153bedf405d40c8e8bcc3d7e4dfa80f3e20874
--! Hash: sha1:2f440c54c7c5a19d0609db596b906fedd3ae1041
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
