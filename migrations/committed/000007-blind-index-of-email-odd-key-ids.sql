--! Previous: sha1:fc45359b3d8ba0818eb298b041dcd641ef7bfab5
--! Hash: sha1:f9c181340e40e300c9af4ac74cc97653895a6b42
--! Message: blind index of email, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create unique index concurrently if not exists customers_email_search_idx on public.customers (restaurant_id, email_search) where email_search is not null;
