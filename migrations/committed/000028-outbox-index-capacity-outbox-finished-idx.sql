--! Previous: sha1:d7e03164f995672a70f0d03616b74aea90fa3bd7
--! Hash: sha1:7b6f47e1c303c9d6712458a04a5fe0b20ed84ed8
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
