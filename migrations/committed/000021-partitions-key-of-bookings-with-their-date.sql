--! Previous: sha1:a8a01cc68a514aa5d906360e8a249c5b67808ad3
--! Hash: sha1:a26d68199f7c725d7499a7a9b9d8762702c3df83
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
