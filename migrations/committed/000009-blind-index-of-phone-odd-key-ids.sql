--! Previous: sha1:e7ea1adee137fca65f0299e7d23e36e598951133
--! Hash: sha1:1ac7566edd1e1b63af6ed6d1aafa371ec67dfda0
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
