--! Previous: sha1:56bbeeb4341bdd52e740abae02cd2d7e5a438dce
--! Hash: sha1:9c71bb39421833e1606202703ef740040cb18bd7
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
