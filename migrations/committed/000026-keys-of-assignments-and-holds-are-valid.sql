--! Previous: sha1:6c22670d509535d6fc7aca174652440612ca6b06
--! Hash: sha1:4381efea6cad04bc33cf3a5402471826f2633cba
--! Message: keys of assignments and holds are valid

-- Writes go on meanwhile. Row security is forced and may hide rows from the owner whose constraint this is, so a job has looked before.
alter table public.booking_table_assignments validate constraint booking_table_assignments_booking_fkey;
alter table public.table_hold_members validate constraint table_hold_members_restaurant_id_hold_id_fkey;
alter table public.allocations validate constraint allocations_restaurant_id_hold_id_fkey;
alter table public.table_hold_keys validate constraint table_hold_keys_hold_fkey;
