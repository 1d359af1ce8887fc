--! Previous: sha1:adb5efaa15a307f748b5ea2ef0bdb36ccb165a1c
--! Hash: sha1:380aa813c818c99647b1cae7a1e6e47e7b616362
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
