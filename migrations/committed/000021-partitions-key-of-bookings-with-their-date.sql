--! Previous: sha1:e62b1781a43e9fc1f4edb18e4a486613daff92fe
--! Hash: sha1:fa6473e9d44909248ac88c070768d069447f657d
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
