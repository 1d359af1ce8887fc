--! Previous: sha1:a2bf60d779e40f986de1cd34da983a19176d814d
--! Hash: sha1:2227f63c9e6a4190a91e3710a25c5ace78ab9808
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
