--! Previous: sha1:e141fcfcc407a5f3665e02f7861aee4e404624ae
--! Hash: sha1:32496487fadd2acdb4a51d2aabbf9e6ce5913d3b
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
