--! Previous: sha1:380aa813c818c99647b1cae7a1e6e47e7b616362
--! Hash: sha1:1a18884edf126282dbf5e1b46ccc885b45bc93a2
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
