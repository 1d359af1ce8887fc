--! Previous: sha1:1ac7566edd1e1b63af6ed6d1aafa371ec67dfda0
--! Hash: sha1:2dc9b0aa5cdc59fc8421446ac22cd2f9cd0206b5
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
