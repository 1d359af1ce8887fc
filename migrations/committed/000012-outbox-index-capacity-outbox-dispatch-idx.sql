--! Previous: sha1:afe3aa3a84f2671201002ff493c7015146b49eed
--! Hash: sha1:9b2368f3bd9e48c50ca172711b4d49aeac05f271
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
