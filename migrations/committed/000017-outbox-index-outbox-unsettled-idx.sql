--! Previous: sha1:b7a4b680ec26eb176fbaf22cd27d4279c4aa9b32
--! Hash: sha1:5830c106d106f0d9e838d7578053a43f121d994e
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
