--! Previous: sha1:15115ddc4f6af49ccd1477407c08a9e33a92b64a
--! Hash: sha1:e10439ed8172aaa5b61565c3454c8288592e3b6b
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
