--! Previous: sha1:e894fbfc8227433bff385edb408b9f22e9695324
--! Hash: sha1:b21c8dad093dfa34812bee045c10860387e04781
--! Message: blind index of phone, odd key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index.
create index concurrently if not exists customers_phone_search_idx on public.customers (restaurant_id, phone_search) where phone_search is not null;
