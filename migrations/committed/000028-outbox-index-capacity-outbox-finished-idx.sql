--! Previous: sha1:25eab1f50f297febd466c04bc03930725ccd5b5b
--! Hash: sha1:f7cc335e16350c71d339799e8c3875bdd5482770
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
