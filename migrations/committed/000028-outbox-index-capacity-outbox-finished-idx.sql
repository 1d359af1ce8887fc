--! Previous: sha1:0757a325fbf59507cd32e3bd966a4b055e83995e
--! Hash: sha1:a2904c7567989b956e1541ceed2e4c2a563d8b94
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
