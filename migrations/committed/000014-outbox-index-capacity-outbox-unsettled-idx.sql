--! Previous: sha1:cad1973e169da5ecce3eccd6236439700328811f
--! Hash: sha1:1afbc8a817255ff1489fe4f81d30a8990fd4debf
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
