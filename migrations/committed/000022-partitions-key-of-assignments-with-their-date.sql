--! Previous: sha1:f47e225a371c278b8474ee20d1294143a6ae857f
--! Hash: sha1:73def98e1448999d15d33456e4e38760ab22b213
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
