--! Previous: sha1:eb237474dadf4ef4d0f80b74d9357971990c4dca
--! Hash: sha1:b52fad8033da7289cc0b0a9da8f7d02d3d99f4b8
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
