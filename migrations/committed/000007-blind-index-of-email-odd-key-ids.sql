--! Previous: sha1:a0591901a313806f06cb64db41389adc0b90199c
--! Hash: sha1:b930ebaeb5529036088a7d1f49704134bdbc1809
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
