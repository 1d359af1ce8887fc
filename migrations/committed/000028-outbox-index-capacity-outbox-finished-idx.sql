--! Previous: sha1:7a8704e63900426e2451f5abe7776d0bab779fe3
--! Hash: sha1:7ef495671473c9c06274832531fef089888807ca
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
