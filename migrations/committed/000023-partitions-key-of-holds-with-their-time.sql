--! Previous: sha1:f1f2b5306ad409e45ef3cb6f5961058a5abfb3db
--! Hash: sha1:86b1b01a13fa52544e303e5df884bb454414d4e9
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
