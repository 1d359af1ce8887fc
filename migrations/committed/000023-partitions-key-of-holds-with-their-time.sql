--! Previous: sha1:78b1f9a359e364098a62ff0830b47b8c28fa993c
--! Hash: sha1:a2a5ef3196a51f017971950ae3c90f3131c16f93
--! Message: partitions: key of holds with their time

--! no-transaction
-- What the primary key will be: over all months it is public.table_hold_keys that keeps ids apart.
create unique index concurrently if not exists table_holds_id_created_at_key on public.table_holds (restaurant_id, id, created_at);
