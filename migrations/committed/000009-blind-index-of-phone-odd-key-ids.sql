--! Previous: sha1:37ecd645f1e17893f8e43285764aba5dea7c2519
--! Hash: sha1:7c1f97af783058995a1cc080c1322575939f72b6
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
