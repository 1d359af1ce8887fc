--! Previous: sha1:e0aa2da9e339fe03ad47b6be7c67515c7b8fc109
--! Hash: sha1:e7167c04701ce07ab6ba6e41a2e4ad4c4940ad55
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
