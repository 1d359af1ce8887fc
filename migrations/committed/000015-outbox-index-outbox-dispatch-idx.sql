--! Previous: sha1:b1297e5883a7cf16fc3f7e4625966c099bf7cc84
--! Hash: sha1:9eca55a512e486856125b6b120b104c2abc87f46
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
