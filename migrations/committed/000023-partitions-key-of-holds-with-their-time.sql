--! Previous: sha1:269f9e27ef293012182cb42c93308ab9e1217639
--! Hash: sha1:7fa9f51cd95f1270bfad1d62090ee9d8ce6e29f6
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
