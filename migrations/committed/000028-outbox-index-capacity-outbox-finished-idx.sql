--! Previous: sha1:cc41f57e6f60cc72c1d44227bba3df90bc1babe7
--! Hash: sha1:29dfa3b8accff7956e40c33e8f0f30b1c3c83ac8
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
