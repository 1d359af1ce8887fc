--! Previous: sha1:cbba66d7b6c493324d54cc469929411694e8081c
--! Hash: sha1:515d3dbcfeeec15eeb9c438dff289a0969c83c49
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
