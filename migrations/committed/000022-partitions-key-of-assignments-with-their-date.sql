--! Previous: sha1:d0f7b43f7ad7f87e0e7688fd1bc9c0a7fe2d932e
--! Hash: sha1:a51ac8287cad53eee8811e1f509a1f23666208a1
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
