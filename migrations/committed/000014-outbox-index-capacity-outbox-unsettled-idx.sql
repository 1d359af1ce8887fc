--! Previous: sha1:92c1b2a9c03b70fa1583b31c934f00ff206a1899
--! Hash: sha1:df012c1759c9a4c1d885f4640fe70bcc9996e75e
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
