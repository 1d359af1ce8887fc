--! Previous: sha1:bb3c295354e34b80f5fe81957b4e32cfddd7bcfa
--! Hash: sha1:e7ea1adee137fca65f0299e7d23e36e598951133
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
