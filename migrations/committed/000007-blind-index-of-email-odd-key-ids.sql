--! Previous: sha1:94eff36daa95cd8f7d110386cad586a6e5d5550f
--! Hash: sha1:6f71c5c31a11b78048cbab5ab86acfe998febee2
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
