--! Previous: sha1:16a0422c0216bb412d3c8c04e9ec3f678c8b2b49
--! Hash: sha1:c71f2a99b504f730c323de82ecd295b68cd835e6
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
