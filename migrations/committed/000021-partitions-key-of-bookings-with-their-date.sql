--! Previous: sha1:5c456bdb812602ae18fc3b472849f526bbe956e0
--! Hash: sha1:ec009d3cff4bac88ec35260deaf1ac5943aa0671
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
