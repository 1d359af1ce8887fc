--! Previous: sha1:5c07472b6772b4fdaab7f90e72495adc953af95c
--! Hash: sha1:53668636d8647b9bdd76d0af3cbdf5693881a222
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
