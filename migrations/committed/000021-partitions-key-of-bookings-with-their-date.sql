--! Previous: sha1:50442d80e66b8d7fb28bc2dbd221cdde2ce6fbfa
--! Hash: sha1:96a3a6a6bb765a760d0afb65ae2a39ba6afe240a
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
