--! Previous: sha1:1a18884edf126282dbf5e1b46ccc885b45bc93a2
--! Hash: sha1:15115ddc4f6af49ccd1477407c08a9e33a92b64a
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
