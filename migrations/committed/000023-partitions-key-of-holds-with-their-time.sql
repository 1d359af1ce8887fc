--! Previous: sha1:73def98e1448999d15d33456e4e38760ab22b213
--! Hash: sha1:83b83ea748e22b74655dd7bad4fab281a07c55a0
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
