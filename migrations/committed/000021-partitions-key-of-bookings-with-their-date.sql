--! Previous: sha1:bf2865ec648b153b270d6aed923cdb81154bc428
--! Hash: sha1:8e670fec40930bac47129ca2355c4eb03bddb31f
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
