--! Previous: sha1:ad07b22ba11e7f87f185ea760880d61b070aae11
--! Hash: sha1:0c4bd8f3995db2edd9bdcb5c3dbf2d6355cfc709
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
