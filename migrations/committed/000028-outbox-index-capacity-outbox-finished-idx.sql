--! Previous: sha1:cf1f28b4804f05ea8f8d2de1fc89e08d206dca15
--! Hash: sha1:9a75b65e1ca26aca3c7810b18c3bb04c7528ed9c
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
