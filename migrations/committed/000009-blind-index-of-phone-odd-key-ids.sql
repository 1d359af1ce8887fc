--! Previous: sha1:b39cf9bd17b1059164ae31b0b1c7d653687ac992
--! Hash: sha1:3dec6c1580effc4fbb7c32df010c03509319040d
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
