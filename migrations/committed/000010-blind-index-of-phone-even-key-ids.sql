--! Previous: sha1:3dec6c1580effc4fbb7c32df010c03509319040d
--! Hash: sha1:56db9a86fa1f684badb5a15b538b910e6b78a418
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
