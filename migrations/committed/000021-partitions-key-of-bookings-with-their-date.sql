--! Previous: sha1:acbe24b1c2d715baebd4ece9e3dca95b9d1b3168
--! Hash: sha1:12a04377639f6e745218838eb396f408010d1bb7
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
