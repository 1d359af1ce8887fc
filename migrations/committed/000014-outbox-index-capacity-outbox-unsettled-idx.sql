--! Previous: sha1:83becd299f6b17ab6c4c292d0c8459efa1dfb894
--! Hash: sha1:85f808ea5a90e81760819b9658170f5938000e07
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
