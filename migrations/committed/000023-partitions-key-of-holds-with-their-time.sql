--! Previous: sha1:7fb332e236fa1691ea22c1b3c71d756ea90cc868
--! Hash: sha1:a6795ea359f87270c87251bc14f6e05d0faebf0a
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
