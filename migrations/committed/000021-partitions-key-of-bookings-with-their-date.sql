--! Previous: sha1:f96dc34c91bdc243fbb4568766d644ccbcc79f92
--! Hash: sha1:1706ffc497e022200071297fa24d72b059c58b29
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
