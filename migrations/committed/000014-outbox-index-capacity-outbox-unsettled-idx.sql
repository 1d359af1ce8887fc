--! Previous: sha1:dba9ecd356e19c7c96801e7d14f5723a04b71e62
--! Hash: sha1:5ddd2af2913711ae7915d9b1a78eaf9c717d9405
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
