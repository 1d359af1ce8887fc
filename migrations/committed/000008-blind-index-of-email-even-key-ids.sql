--! Previous: sha1:d1df87023ad0ff9e7ca315f7cedd5a49d93549ac
--! Hash: sha1:e0aa2da9e339fe03ad47b6be7c67515c7b8fc109
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
