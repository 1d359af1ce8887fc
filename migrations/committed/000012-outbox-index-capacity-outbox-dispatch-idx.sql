--! Previous: sha1:64db5e70756ab6270d0ef0897d4e7f40a60c3148
--! Hash: sha1:b2a28f77ea99280bf566b5ddf286d2d65523ac6e
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
