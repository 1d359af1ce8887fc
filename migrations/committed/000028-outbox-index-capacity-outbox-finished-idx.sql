--! Previous: sha1:4f5f5c792b8cecb70d3c5921f16c0ad6b05ff303
--! Hash: sha1:961816aeac9fc3aa4c0ae1f8343cc0a88ac1d04d
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
