--! Previous: sha1:6d1f301274195162805781c49e8646705a46d278
--! Hash: sha1:d071b9ba409b1bb825708a47db96c0938630e29a
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
