--! Previous: sha1:2227f63c9e6a4190a91e3710a25c5ace78ab9808
--! Hash: sha1:3ee1949771df144d10190d15979a91d5b089da52
--! Message: partitions: key of assignments with their date

--! no-transaction
-- A booking has one date, so that the same table is assigned to it once, as before. The date is not the last column, since the foreign
-- key to the booking begins with these three.
create unique index concurrently if not exists booking_table_assignments_once_key
  on public.booking_table_assignments (restaurant_id, booking_id, booking_date, table_id);
