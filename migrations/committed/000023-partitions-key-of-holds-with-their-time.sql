--! Previous: sha1:1ed711ab81f077fad35dca1b194c69ff6b97036c
--! Hash: sha1:be52129f8bb15f2579abed3019b1576c4dfdae8a
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
