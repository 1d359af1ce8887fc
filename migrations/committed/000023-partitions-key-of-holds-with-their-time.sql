--! Previous: sha1:f0470786691db2f39f53d213b67bb07df7e5d6c8
--! Hash: sha1:48b42f7c270baaadeccc020c0a62754328a68592
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
