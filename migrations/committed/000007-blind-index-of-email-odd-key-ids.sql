--! Previous: sha1:9cdbf9ee714d403920c0ade1a87952ece9813054
--! Hash: sha1:2806402d3cbef9ac0712bd2ed0c5f7696a55f4cc
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
