--! Previous: sha1:c9c2c6ee903324f26d4870e2b2e83c5e7d96ca89
--! Hash: sha1:e2bafd4adca3dad215a430abef01a9b419d1d183
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
