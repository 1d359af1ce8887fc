--! Previous: sha1:38bca125d5e9274c6d0392f53030c4240f56645c
--! Hash: sha1:2c33de4bfe470a8a91eeaa4c5d2a8314381f6def
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
