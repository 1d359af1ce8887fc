--! Previous: sha1:76a5fdb9a070b5ea283cdd72fb5984ef42474182
--! Hash: sha1:c1c6cfb2682820dfedb1a45ade8c9884f9063d52
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
