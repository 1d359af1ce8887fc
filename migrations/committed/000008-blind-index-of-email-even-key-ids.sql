--! Previous: sha1:af2b26d58c194390ea7214e64b313e28daf7fd8c
--! Hash: sha1:1c9e914f8767c8ebd9cb97001a6e40d54660d298
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
