--! Previous: sha1:ec009d3cff4bac88ec35260deaf1ac5943aa0671
--! Hash: sha1:76a5fdb9a070b5ea283cdd72fb5984ef42474182
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
