--! Previous: sha1:a91a9ee791c8475e6c5c9bfcac92b8e666a7e444
--! Hash: sha1:e2aedb895f20a59d86d1b1b5df676601197320df
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
