--! Previous: sha1:cfa6dc5d0e5138db2cfa51e4ee77b5eb8e7c04a1
--! Hash: sha1:14ccb945ab7c5651128f91bbcd672fb3f3bea7e5
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
