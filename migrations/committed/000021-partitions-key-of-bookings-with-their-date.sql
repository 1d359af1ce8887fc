--! Previous: sha1:1491f6cd88887ea2e117e497a642d29f13c99185
--! Hash: sha1:f47e225a371c278b8474ee20d1294143a6ae857f
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
