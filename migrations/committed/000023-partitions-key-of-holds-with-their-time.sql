--! Previous: sha1:0c4bd8f3995db2edd9bdcb5c3dbf2d6355cfc709
--! Hash: sha1:47ea2f72ab6dfeb3be8ea558b62424660302c3d5
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
