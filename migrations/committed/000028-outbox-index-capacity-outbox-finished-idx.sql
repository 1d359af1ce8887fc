--! Previous: sha1:2e7a15c6ccc5f687aeca42ce7d558ae0d8f0bf67
--! Hash: sha1:0edf6caaea316bed448e442ffec04e73ba5acb0b
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
