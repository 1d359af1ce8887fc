--! Previous: sha1:e5a777a03a19fb4c6fdbb9bdd5510e04e426b8a2
--! Hash: sha1:062841cdd954053f5a1cb18e79aeb47b0532cfa8
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
