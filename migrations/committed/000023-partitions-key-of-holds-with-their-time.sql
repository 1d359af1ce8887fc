--! Previous: sha1:2c33de4bfe470a8a91eeaa4c5d2a8314381f6def
--! Hash: sha1:913abbddded4087d2b42499b2326c0462b4f1f73
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
