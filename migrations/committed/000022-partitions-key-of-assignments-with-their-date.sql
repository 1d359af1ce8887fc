--! Previous: sha1:fa6473e9d44909248ac88c070768d069447f657d
--! Hash: sha1:5fe1cfa577141418168821ccfd12fb82aa2568b5
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
