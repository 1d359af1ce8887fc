--! Previous: sha1:3be7022cc75bd8da7a80cd260c0a23d09fdd90ac
--! Hash: sha1:34d24d6f6a31ce1d24b693cf1e259f7796df2fe9
--! Message: keys of assignments and holds are valid

-- Writes go on meanwhile. Row security is forced and may hide rows from the owner whose constraint this is, so a job has looked before.
alter table public.booking_table_assignments validate constraint booking_table_assignments_booking_fkey;
alter table public.table_hold_members validate constraint table_hold_members_restaurant_id_hold_id_fkey;
alter table public.allocations validate constraint allocations_restaurant_id_hold_id_fkey;
alter table public.table_hold_keys validate constraint table_hold_keys_hold_fkey;
