--! Previous: sha1:d5ef7b2d558a88c8c7478f315a49eb0cac9a3b93
--! Hash: sha1:f5bfc02e2ca85e9cb903be9e4a780bb09c4657d4
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
