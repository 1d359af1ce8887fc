--! Previous: sha1:fca360251ed58aac2a47b796a2d8d69384cf1ccb
--! Hash: sha1:6dd559299cd825b134cb3e603540f7b522e87241
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
