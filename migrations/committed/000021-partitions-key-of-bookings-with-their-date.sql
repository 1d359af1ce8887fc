--! Previous: sha1:ba376ac1afee5bf2f4c98b8965cc398a895f1041
--! Hash: sha1:d0f7b43f7ad7f87e0e7688fd1bc9c0a7fe2d932e
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
