--! Previous: sha1:5712f1cc5cb7c824eff9f825097956bbbfcbbe68
--! Hash: sha1:0cffdebefc2dbe4ed5841e7b1bba5e00a6f73cac
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
