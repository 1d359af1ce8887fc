--! Previous: sha1:337f0d49fb88cc847848c9f40200d9fb005d3269
--! Hash: sha1:489145406b6a3bbd8eaa738e6fb594a383dd1a95
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
