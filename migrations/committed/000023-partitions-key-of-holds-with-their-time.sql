--! Previous: sha1:a51ac8287cad53eee8811e1f509a1f23666208a1
--! Hash: sha1:f89fa8fa1a15ff308a384911a5073818efee4ee5
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
