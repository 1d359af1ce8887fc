--! Previous: sha1:da3791b7913a5750503b2f54bd0f57912aa15c30
--! Hash: sha1:6a78b7666b364e443ddc3ef22e9c0d5831603eee
--! Message: outbox: index outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists outbox_dispatch_idx on public.outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
