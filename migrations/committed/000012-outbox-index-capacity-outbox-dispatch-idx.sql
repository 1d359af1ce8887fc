--! Previous: sha1:f98bac2505e81ebdaed792313cb4fc0a20508b75
--! Hash: sha1:efecd7c2d258aa4417af218c54a87caca9d6fafd
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
