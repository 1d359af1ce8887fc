--! Previous: sha1:d7d75be63c6a8440580a3d2155e548f6a2b39e4a
--! Hash: sha1:da3791b7913a5750503b2f54bd0f57912aa15c30
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
