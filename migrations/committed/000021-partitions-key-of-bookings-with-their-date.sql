--! Previous: sha1:1d3175d6867c350f2c35851e07d0d745ce7c80d4
--! Hash: sha1:eb237474dadf4ef4d0f80b74d9357971990c4dca
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
