--! Previous: sha1:33f7544c2aa7e0125e71dd10eaaf7cf17514927a
--! Hash: sha1:a775b1fe86f70912d072405fbbe0b62164e28fcf
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
