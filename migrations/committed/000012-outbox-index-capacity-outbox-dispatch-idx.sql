--! Previous: sha1:c8e41bb1115bb5d63dda2959799dbefc700bfbf6
--! Hash: sha1:7e16751fc740a49ccb1c5e9c5d78db41f944b183
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
