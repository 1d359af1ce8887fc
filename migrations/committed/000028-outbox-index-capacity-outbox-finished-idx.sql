--! Previous: sha1:9768740bfa65acafa717dbf7035d1f9d879e72d3
--! Hash: sha1:1c13b5ec34f4dc4709b11c90d17bf2ce9d05a85a
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
