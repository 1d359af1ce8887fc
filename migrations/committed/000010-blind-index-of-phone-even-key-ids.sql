--! Previous: sha1:7c1f97af783058995a1cc080c1322575939f72b6
--! Hash: sha1:10e0e71d4036efee12b9ffd24a361db2a7333181
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
