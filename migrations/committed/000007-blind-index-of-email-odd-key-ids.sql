--! Previous: sha1:e7fe94f230811374d95c1409a86fab02c89c1a39
--! Hash: sha1:4a38974967a8193899799039428810d8a9d425af
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
