--! Previous: sha1:9fd949bdbc481eebbb8b16145b40ec17c0aa802e
--! Hash: sha1:5bda693e334dbccd9604999c46b098e032a88861
--! Message: outbox: index capacity outbox unsettled idx

--! no-transaction
-- Without holding up writes. The sweep finds leases that ended by it, and people what is dead.
create index concurrently if not exists capacity_outbox_unsettled_idx on public.capacity_outbox (status, locked_until) where status in ('processing', 'dead');
