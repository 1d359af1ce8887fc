--! Previous: sha1:ca16d2da1f0b81172023203bff099f6432d4f09a
--! Hash: sha1:5712f1cc5cb7c824eff9f825097956bbbfcbbe68
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
