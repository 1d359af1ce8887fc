--! Previous: sha1:72e7e4282245dc27b9fae46bebab5a2b390825e7
--! Hash: sha1:38bca125d5e9274c6d0392f53030c4240f56645c
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
