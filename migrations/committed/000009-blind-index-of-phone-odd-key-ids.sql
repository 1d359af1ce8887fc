--! Previous: sha1:1c9e914f8767c8ebd9cb97001a6e40d54660d298
--! Hash: sha1:e38c361b400e02bcf4802226e547eeaf5635fa9c
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
