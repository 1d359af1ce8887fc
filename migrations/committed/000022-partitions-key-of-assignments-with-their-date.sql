--! Previous: sha1:02b0b062aecdc39e1cb9c26280a0da9119f6ba07
--! Hash: sha1:f1f2b5306ad409e45ef3cb6f5961058a5abfb3db
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
