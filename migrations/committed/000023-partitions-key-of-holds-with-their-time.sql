--! Previous: sha1:5eaee5a713bf0b9296e53f31a2d0a0c5de3ae422
--! Hash: sha1:32d2ce40c8086fbf953da0058d7f8f5fea36a7a1
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
