--! Previous: sha1:499c69ab5b83398132d747a22b03bb9e260b06be
--! Hash: sha1:de1705383ceec92b8187fbc8b16c8ac8262ef85e
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
