--! Previous: sha1:5bda693e334dbccd9604999c46b098e032a88861
--! Hash: sha1:2108c917fc43cfe7aa27c2303dbec07d147bc794
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
