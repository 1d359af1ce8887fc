--! Previous: sha1:13df5bbc0f191d2bb558c5f94021e3c4a97f1ab3
--! Hash: sha1:b1297e5883a7cf16fc3f7e4625966c099bf7cc84
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
