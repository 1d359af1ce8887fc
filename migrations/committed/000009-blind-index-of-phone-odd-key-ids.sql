--! Previous: sha1:01ad02a0598a64d68db580a7694cd52942c6b234
--! Hash: sha1:cbba66d7b6c493324d54cc469929411694e8081c
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
