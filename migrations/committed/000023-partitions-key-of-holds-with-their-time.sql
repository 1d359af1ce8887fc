--! Previous: sha1:14f68a5d3caef974b0072f839d52c86fa0320f24
--! Hash: sha1:decc4ae809ec98687b2c102d6074bfa2e9c52dee
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
