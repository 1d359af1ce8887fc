--! Previous: sha1:35bb1b69c2d149fdb4783ccff036ada06dec55ff
--! Hash: sha1:34ec3e8ef94af088a934e0404bf8548077aa168f
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
