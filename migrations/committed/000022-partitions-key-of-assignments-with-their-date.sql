--! Previous: sha1:12a04377639f6e745218838eb396f408010d1bb7
--! Hash: sha1:14f68a5d3caef974b0072f839d52c86fa0320f24
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
