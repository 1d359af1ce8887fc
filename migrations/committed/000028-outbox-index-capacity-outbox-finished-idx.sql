--! Previous: sha1:6c7e2824154ce58897a4e711b6384fffbfc97c8d
--! Hash: sha1:8a18b3512725b1cd7b8fa9529e7716444690bc4b
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
