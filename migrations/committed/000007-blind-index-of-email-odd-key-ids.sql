--! Previous: sha1:b223b0ed82abc9e4d99d1d4457c785b878d4443f
--! Hash: sha1:bb3c295354e34b80f5fe81957b4e32cfddd7bcfa
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
