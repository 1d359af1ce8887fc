--! Previous: sha1:725b254c72d10a3d3cc52463d9104c75513761b3
--! Hash: sha1:0ca9f5a81d216eb28103f9eb1b94be6eb2384bf6
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
