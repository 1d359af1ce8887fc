--! Previous: sha1:0ca9f5a81d216eb28103f9eb1b94be6eb2384bf6
--! Hash: sha1:f523620f0726fbffd8f68c6073e5808a8be02f51
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
