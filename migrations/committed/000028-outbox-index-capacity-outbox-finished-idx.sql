--! Previous: sha1:cb5a32e2922940378bc9ffb36026699fb700a165
--! Hash: sha1:ce9e13619c1470319380acd85d145ca545e927ac
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
