--! Previous: sha1:812e4ee9a9cb47bae3bfaa5581d273a14f2f7bc8
--! Hash: sha1:df3349175137e3f8b7ff5ec8f7b4cb9d1ef41d9a
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
