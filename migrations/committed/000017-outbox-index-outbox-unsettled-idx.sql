--! Previous: sha1:6270b4bed5bffb6a89cf7b9d277218ff63c41ea8
--! Hash: sha1:5ae2fd1536488a1dd9a6f1d95344c56601296928
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
