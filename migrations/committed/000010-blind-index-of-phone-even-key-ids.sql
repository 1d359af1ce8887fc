--! Previous: sha1:e38c361b400e02bcf4802226e547eeaf5635fa9c
--! Hash: sha1:7123930867deceecc518e45dc37e7a13948c4eca
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
