--! Previous: sha1:45a85faa7dc5cc77bb36e01c4c05614c158a81af
--! Hash: sha1:269f9e27ef293012182cb42c93308ab9e1217639
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
