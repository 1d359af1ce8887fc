--! Previous: sha1:12a5dabae3a2e870e759929f0ae0485c51814808
--! Hash: sha1:25532af048f500d5ce8a7fb505a583d982a24614
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
