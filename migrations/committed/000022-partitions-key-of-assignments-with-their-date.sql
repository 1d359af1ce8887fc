--! Previous: sha1:0deba76ff6d34d68f421c2128c1ff4382403101e
--! Hash: sha1:167613e7be270f7d49d77fbbfd1fffa5a71ff48b
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
