--! Previous: sha1:f523620f0726fbffd8f68c6073e5808a8be02f51
--! Hash: sha1:a7e32d606a718a11d76fba6501a99e72cfff841f
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
