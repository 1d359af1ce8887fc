--! Previous: sha1:c30e562411ec90a543c2957c8bdc5217da7606fd
--! Hash: sha1:0ac8f16d80bc1cf1b42be64966d9fb118d09a4c6
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
