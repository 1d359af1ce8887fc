--! Previous: sha1:d818c91bf9459f50412757b0a4b9269fd6724a84
--! Hash: sha1:2f7376d2a5e5653273174e10afbf1bf467d2c1b0
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
