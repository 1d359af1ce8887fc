--! Previous: sha1:c4b96dd1f00552aa25e86ba74324be2a12556f17
--! Hash: sha1:bd61613036e62e8f50ef7669e38d0185be017990
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
