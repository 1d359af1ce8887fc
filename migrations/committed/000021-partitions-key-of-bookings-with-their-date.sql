--! Previous: sha1:cbd97052b76508fcf9e24f4564fd05d5d951a7d6
--! Hash: sha1:45a85faa7dc5cc77bb36e01c4c05614c158a81af
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
