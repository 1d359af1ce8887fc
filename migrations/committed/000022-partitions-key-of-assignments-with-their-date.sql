--! Previous: sha1:90c2f43701d8dcd3730a6ce54ae439b079b81378
--! Hash: sha1:c30e562411ec90a543c2957c8bdc5217da7606fd
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
