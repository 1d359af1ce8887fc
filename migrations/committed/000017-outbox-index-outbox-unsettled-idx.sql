--! Previous: sha1:75ba8e34532234a7f8999918caf06ad1179282a1
--! Hash: sha1:df19f405e5c2af3d69fe7511fbe61e068d7033d9
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
