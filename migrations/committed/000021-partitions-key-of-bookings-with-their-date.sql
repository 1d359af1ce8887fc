--! Previous: sha1:e305f6c004593c6139e70891b7fe85ed6f6b7918
--! Hash: sha1:02b0b062aecdc39e1cb9c26280a0da9119f6ba07
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
