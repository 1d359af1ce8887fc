--! Previous: sha1:95a519a2165cb86a0b5fb63c5830031aec7bbd3c
--! Hash: sha1:0e9aa6f204faa3a8eadd8d6eda65757e9a0cee2e
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
