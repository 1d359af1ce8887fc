--! Previous: sha1:8e670fec40930bac47129ca2355c4eb03bddb31f
--! Hash: sha1:7fb332e236fa1691ea22c1b3c71d756ea90cc868
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
