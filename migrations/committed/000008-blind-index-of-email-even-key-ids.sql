--! Previous: sha1:4a38974967a8193899799039428810d8a9d425af
--! Hash: sha1:e894fbfc8227433bff385edb408b9f22e9695324
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
