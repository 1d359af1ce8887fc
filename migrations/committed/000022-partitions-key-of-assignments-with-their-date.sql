--! Previous: sha1:8bef437acdb6315bc43d675fba5eb43263e840d0
--! Hash: sha1:33f7544c2aa7e0125e71dd10eaaf7cf17514927a
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
