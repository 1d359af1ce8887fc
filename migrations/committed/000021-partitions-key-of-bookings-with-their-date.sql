--! Previous: sha1:a19ee71a82cf6d1e0f1b0d04a28f0bd817385189
--! Hash: sha1:90c2f43701d8dcd3730a6ce54ae439b079b81378
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
