--! Previous: sha1:d43fab2acd90708010686065a0d610490d2e5ce7
--! Hash: sha1:205025031c2788d3c0a654b2fa7aeca540199a4c
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
