--! Previous: sha1:aaf510b9ae8ab34bfae44fbde0b5c10fdfa9fb5f
--! Hash: sha1:35bb1b69c2d149fdb4783ccff036ada06dec55ff
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
