--! Previous: sha1:95e902d2f5d1c557c3e22f4a57aa6b3646d15cba
--! Hash: sha1:f9654c915c4cde65566eff656344ac267be2910f
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
