--! Previous: sha1:b930ebaeb5529036088a7d1f49704134bdbc1809
--! Hash: sha1:640439ecd85924484173eeba00982dca4fa3ca1d
--! Message: blind index of email, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create unique index concurrently if not exists customers_email_search_alt_idx on public.customers (restaurant_id, email_search_alt) where email_search_alt is not null;
