--! Previous: sha1:d071b9ba409b1bb825708a47db96c0938630e29a
--! Hash: sha1:cd526b16fe520a6d905a18df038f07a2e2bdfdec
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
