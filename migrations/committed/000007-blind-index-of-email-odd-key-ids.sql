--! Previous: sha1:7ffb7b15a66c6fecfc0e0ee1490ae70c223841ca
--! Hash: sha1:e5757d5989fbc86d1b04f128f09c843883ebbcda
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
