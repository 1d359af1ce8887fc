--! Previous: sha1:75a0cc30a15deb51c5e1e0a981d865e2060f4bc1
--! Hash: sha1:169fa1ab3347b54e50a91b81c8eb03767cb5fdba
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
