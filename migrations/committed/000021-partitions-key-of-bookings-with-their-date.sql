--! Previous: sha1:94e190071ee65d3bea84ed9584fce4d5a08469e8
--! Hash: sha1:4ca08faf463c9d16bbc1db4568ad96ef772020f0
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
