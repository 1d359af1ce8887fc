--! Previous: sha1:e7167c04701ce07ab6ba6e41a2e4ad4c4940ad55
--! Hash: sha1:a786d84cf2c00993481020db66b3df776e496452
--! Message: blind index of phone, even key ids

--! no-transaction
-- Without holding up writes; one statement, since CONCURRENTLY allows no transaction. Look-ups go by this index while the key has an even id.
create index concurrently if not exists customers_phone_search_alt_idx on public.customers (restaurant_id, phone_search_alt) where phone_search_alt is not null;
