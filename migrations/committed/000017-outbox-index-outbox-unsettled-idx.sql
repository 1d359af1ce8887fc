--! Previous: sha1:c699f7efa83353c3a6e0aa1dca9ba0d7a9f11cd8
--! Hash: sha1:60dbb11c7d3fba6470c1cbc270789e5916706730
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
