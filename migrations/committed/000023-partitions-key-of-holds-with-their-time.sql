--! Previous: sha1:ffd45fa8e6ee7a0a5a39c660810fba18bd14fe06
--! Hash: sha1:32dfa577a8889b31070bad5d50574b5cd7a09aaf
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
