--! Previous: sha1:f9654c915c4cde65566eff656344ac267be2910f
--! Hash: sha1:78b1f9a359e364098a62ff0830b47b8c28fa993c
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
