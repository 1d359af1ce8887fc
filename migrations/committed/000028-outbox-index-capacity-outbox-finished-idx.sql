--! Previous: sha1:91e2d6d50c5247d3f74843dff622f763e5f073ca
--! Hash: sha1:9f5d0bf8a260b226d842885d9151ea285ecb1fe5
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
