--! Previous: sha1:1d401c088ddc2aeb438701bec0b69f0c1952161e
--! Hash: sha1:081517c32d87f343151baaaa494a6d51c4b4526b
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
