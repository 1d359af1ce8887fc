--! Previous: sha1:bb79b9eb656112e3190c3cbf4f96891394e2bfbd
--! Hash: sha1:6fc9b64d2d83e99d8914844ab8090d71b5359f42
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
