--! Previous: sha1:a26d68199f7c725d7499a7a9b9d8762702c3df83
--! Hash: sha1:1ed711ab81f077fad35dca1b194c69ff6b97036c
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
