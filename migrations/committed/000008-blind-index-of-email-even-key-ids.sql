--! Previous: sha1:e5757d5989fbc86d1b04f128f09c843883ebbcda
--! Hash: sha1:01ad02a0598a64d68db580a7694cd52942c6b234
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
