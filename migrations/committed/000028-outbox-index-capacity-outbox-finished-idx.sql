--! Previous: sha1:570f4c371ee404ef90dbe6eb6e15d73a5c3e0741
--! Hash: sha1:b89057525d0c53a7d55210d0c37a201bf4516042
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
