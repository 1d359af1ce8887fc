--! Previous: sha1:4830f226c535b7018bf5132f26109e1ce2dcc1f5
--! Hash: sha1:8bef437acdb6315bc43d675fba5eb43263e840d0
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
