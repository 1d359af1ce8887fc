--! Previous: sha1:649f2385babb274e2baab421d0055bb9ab4f4abd
--! Hash: sha1:b0eccf47be402df97c65c3a00dec594bbc4b17ba
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
