--! Previous: sha1:b4a64e526634d24f04d00c36a050a61a9ae8fa08
--! Hash: sha1:a055910da60894b9d5d37038d01d3d8095096b4f
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
