--! Previous: sha1:5fe1cfa577141418168821ccfd12fb82aa2568b5
--! Hash: sha1:6295c39e58e793a19e0db41993613a5b5ea07f25
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
