--! Previous: sha1:f9c181340e40e300c9af4ac74cc97653895a6b42
--! Hash: sha1:aaf510b9ae8ab34bfae44fbde0b5c10fdfa9fb5f
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
