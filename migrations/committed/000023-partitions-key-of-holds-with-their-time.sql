--! Previous: sha1:0cffdebefc2dbe4ed5841e7b1bba5e00a6f73cac
--! Hash: sha1:ea2da1f86dda5ef0b5e91fcff72ad24936d7a905
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
