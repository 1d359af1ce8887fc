--! Previous: sha1:4c9b78f935ae4eb3e7dbb26b70a5197e6374df6e
--! Hash: sha1:671cb71fbb37eb143e3c19acf811a444ea2be067
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
