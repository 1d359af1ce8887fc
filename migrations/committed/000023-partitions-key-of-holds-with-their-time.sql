--! Previous: sha1:167613e7be270f7d49d77fbbfd1fffa5a71ff48b
--! Hash: sha1:b655ba755d7ac5c784edf2cd87f01752c80c6425
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
