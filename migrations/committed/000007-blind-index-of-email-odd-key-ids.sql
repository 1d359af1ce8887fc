--! Previous: sha1:354f28f6702913767ddb0cea97106692a3140767
--! Hash: sha1:bb79b9eb656112e3190c3cbf4f96891394e2bfbd
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
