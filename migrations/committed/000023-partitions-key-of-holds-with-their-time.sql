--! Previous: sha1:b52fad8033da7289cc0b0a9da8f7d02d3d99f4b8
--! Hash: sha1:903c69713e78b052824e412712700defc745b2ae
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
