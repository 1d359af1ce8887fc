--! Previous: sha1:601c8b8327eab5842cacec140b4ab8735357e846
--! Hash: sha1:95a519a2165cb86a0b5fb63c5830031aec7bbd3c
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
