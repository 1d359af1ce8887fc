--! Previous: sha1:6f71c5c31a11b78048cbab5ab86acfe998febee2
--! Hash: sha1:b39cf9bd17b1059164ae31b0b1c7d653687ac992
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
