--! Previous: sha1:6d6a1d9a339a7a3352cec902a6df6884dc1867fa
--! Hash: sha1:5c07472b6772b4fdaab7f90e72495adc953af95c
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
