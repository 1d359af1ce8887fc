--! Previous: sha1:b21c8dad093dfa34812bee045c10860387e04781
--! Hash: sha1:30a10ddb9f9e5a6b8717a32a3599afac883a4f0a
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
