--! Previous: sha1:4ca08faf463c9d16bbc1db4568ad96ef772020f0
--! Hash: sha1:b4a64e526634d24f04d00c36a050a61a9ae8fa08
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
