--! Previous: sha1:bd61613036e62e8f50ef7669e38d0185be017990
--! Hash: sha1:c5c2bcffd3bdd413b0cde57e6093ef11f496ce1d
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
