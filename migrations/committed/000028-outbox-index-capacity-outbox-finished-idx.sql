--! Previous: sha1:b169c2c729695be18618fbbeb64178f830967619
--! Hash: sha1:60e5f2b492026119f04a14f5b9672c6f65cb3531
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
