--! Previous: sha1:062963b5f2f156b29671c04861d4af179c391613
--! Hash: sha1:ad07b22ba11e7f87f185ea760880d61b070aae11
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
