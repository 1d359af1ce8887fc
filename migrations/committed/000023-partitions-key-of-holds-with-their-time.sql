--! Previous: sha1:24c41fdd2fd7e6e541353d94945d41a3e7ef2451
--! Hash: sha1:a0a11a10d2a0a4a564a0a9057761a25fef43ad53
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
