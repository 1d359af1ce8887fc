--! Previous: sha1:96a3a6a6bb765a760d0afb65ae2a39ba6afe240a
--! Hash: sha1:24c41fdd2fd7e6e541353d94945d41a3e7ef2451
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
