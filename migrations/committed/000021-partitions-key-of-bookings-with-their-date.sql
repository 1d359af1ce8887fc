--! Previous: sha1:af5eea3219075a2ac969dafa978b80e9dbe231b0
--! Hash: sha1:0deba76ff6d34d68f421c2128c1ff4382403101e
--! Message: partitions: key of bookings with their date

--! no-transaction
-- Without holding up writes. What refers to a booking by its date too is moved when the booking is.
create unique index concurrently if not exists bookings_booking_date_key on public.bookings (restaurant_id, id, booking_date);
