--! Previous: sha1:a1c2ee056704a54bd006f3b72881859598fab19a
--! Hash: sha1:d1df87023ad0ff9e7ca315f7cedd5a49d93549ac
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
