--! Previous: sha1:c35340e21652a4f3c9ff73dc6bf54ce717f5c8e6
--! Hash: sha1:5b21f88ec2451adde4d63f2c162bf0ffcc68d09b
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
