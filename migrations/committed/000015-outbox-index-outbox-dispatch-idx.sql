--! Previous: sha1:85f808ea5a90e81760819b9658170f5938000e07
--! Hash: sha1:d46c3d17d1f9bf70008cd29b18c1d52854dc9ae6
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
