--! Previous: sha1:a905b467b4934a1970ff69b3cb9751f1f234302e
--! Hash: sha1:af2b26d58c194390ea7214e64b313e28daf7fd8c
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
