--! Previous: sha1:32496487fadd2acdb4a51d2aabbf9e6ce5913d3b
--! Hash: sha1:37ecd645f1e17893f8e43285764aba5dea7c2519
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
