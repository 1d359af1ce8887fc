--! Previous: sha1:de4df9c90be80502242ff36fdcc5a5cb2b2496ce
--! Hash: sha1:601c8b8327eab5842cacec140b4ab8735357e846
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
