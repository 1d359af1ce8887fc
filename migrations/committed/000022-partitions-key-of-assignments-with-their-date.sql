--! Previous: sha1:5046480749964f0e671284fd3db59f28057acece
--! Hash: sha1:5eaee5a713bf0b9296e53f31a2d0a0c5de3ae422
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
