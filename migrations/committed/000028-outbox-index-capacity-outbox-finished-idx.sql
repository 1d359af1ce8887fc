--! Previous: sha1:5163d81a457d617757cd1a4aa655b7286cf11edc
--! Hash: sha1:36b9b71e5e83eef45219b3381e9b4d650a74bee7
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
