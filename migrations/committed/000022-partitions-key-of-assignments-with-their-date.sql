--! Previous: sha1:205025031c2788d3c0a654b2fa7aeca540199a4c
--! Hash: sha1:ffd45fa8e6ee7a0a5a39c660810fba18bd14fe06
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
