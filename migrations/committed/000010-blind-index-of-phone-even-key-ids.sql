--! Previous: sha1:f3a4df651cf6488ad00493eeae3038abefc908da
--! Hash: sha1:eba788f2fb7bb067c0c0b7ee1a62003b5275dba8
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
