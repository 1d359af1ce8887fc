--! Previous: sha1:1706ffc497e022200071297fa24d72b059c58b29
--! Hash: sha1:f0470786691db2f39f53d213b67bb07df7e5d6c8
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
