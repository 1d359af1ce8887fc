--! Previous: sha1:6fc9b64d2d83e99d8914844ab8090d71b5359f42
--! Hash: sha1:f3a4df651cf6488ad00493eeae3038abefc908da
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
