--! Previous: sha1:2806402d3cbef9ac0712bd2ed0c5f7696a55f4cc
--! Hash: sha1:c4b96dd1f00552aa25e86ba74324be2a12556f17
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
