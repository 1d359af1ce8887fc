--! Previous: sha1:69edee2d005d5ee7af2f4e0ef28fc89dfbc6f6f1
--! Hash: sha1:5046480749964f0e671284fd3db59f28057acece
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
