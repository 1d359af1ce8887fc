--! Previous: sha1:4f285e0218f0cf7edee48a52e776065b7f770a0c
--! Hash: sha1:6d1f301274195162805781c49e8646705a46d278
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
