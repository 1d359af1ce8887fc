--! Previous: sha1:86b1b01a13fa52544e303e5df884bb454414d4e9
--! Hash: sha1:4304c0bda31f53b6fa935a8f10c38d9933bb5234
--! Message: assignments are kept on the date of their booking

-- The date of an assignment has been a copy that nothing kept right. From here on it is the booking's: the key says so, and a booking
-- that is moved takes its assignments along, into another month if need be.
alter table public.bookings add constraint bookings_booking_date_key unique using index bookings_booking_date_key;
comment on constraint bookings_booking_date_key on public.bookings is 'For what is kept by the date of its booking.';

alter table public.booking_table_assignments
  add constraint booking_table_assignments_once_key unique using index booking_table_assignments_once_key;

-- As a job, since row security is forced and binds the owner too; with the trigger of a foreign key that is not there yet, nobody
-- writes meanwhile.
lock table public.bookings, public.booking_table_assignments in share row exclusive mode;
do $$
declare
  mended bigint;
begin
  set local role app_background;
  perform tenancy.set_job('migration');
  update public.booking_table_assignments as a set booking_date = b.booking_date
  from public.bookings as b
  where b.restaurant_id = a.restaurant_id and b.id = a.booking_id and b.booking_date <> a.booking_date;
  get diagnostics mended = row_count;
  perform tenancy.set_job(null);
  reset role;
  if mended > 0 then
    raise notice '% assignments stood on another date than their booking: they have its date now', mended;
  end if;
end
$$;

alter table public.booking_table_assignments
  add constraint booking_table_assignments_booking_fkey
    foreign key (restaurant_id, booking_id, booking_date) references public.bookings (restaurant_id, id, booking_date)
    on update cascade not valid,
  drop constraint booking_table_assignments_restaurant_id_booking_id_table_id_key,
  drop constraint booking_table_assignments_restaurant_id_booking_id_fkey;
comment on constraint booking_table_assignments_booking_fkey on public.booking_table_assignments is
  'An assignment has the date of its booking, and moves with it.';
comment on column public.booking_table_assignments.booking_date is
  'That of the booking, always: assignments are listed, and kept, by day. The partition key.';
