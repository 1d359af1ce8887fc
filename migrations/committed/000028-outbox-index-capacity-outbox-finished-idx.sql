--! Previous: sha1:01ea8996413492583ab2ddfee2c8f9f5df611f4c
--! Hash: sha1:0ec66b63d34afda3eb8800242941865ce256d345
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
