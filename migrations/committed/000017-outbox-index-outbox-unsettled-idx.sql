--! Previous: sha1:4e415926a9fb4044352caeeeedb5c857c66939ad
--! Hash: sha1:83c8f7d5ad1f683e5d66db97aed6969b4d77d77c
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
