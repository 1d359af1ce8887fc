--! Previous: sha1:c117184e4f826baadd0fe28df3c4380ee87c5cf5
--! Hash: sha1:2a2bccdb76836cf5a5571e1e33546b5162d87395
--! Message: outbox: index outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists outbox_unsettled_idx on public.outbox (status, locked_until) where status in ('processing', 'dead');
