--! Previous: sha1:640439ecd85924484173eeba00982dca4fa3ca1d
--! Hash: sha1:12a5dabae3a2e870e759929f0ae0485c51814808
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
