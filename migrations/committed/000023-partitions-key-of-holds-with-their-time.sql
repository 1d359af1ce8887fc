--! Previous: sha1:3ee1949771df144d10190d15979a91d5b089da52
--! Hash: sha1:1bc167bc201435fbcce74b99ab2f61014b4e5348
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
