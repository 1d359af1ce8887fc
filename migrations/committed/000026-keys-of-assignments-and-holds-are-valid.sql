--! Previous: sha1:151e774ae1dfc5b88912265a0497e0d03d5e3165
--! Hash: sha1:ee6b8ec40e42296b07b4d6d17370422483d1c9a9
--! Message: keys of assignments and holds are valid

-- Writes go on meanwhile. Row security is forced and may hide rows from the owner whose constraint this is, so a job has looked before.
alter table public.booking_table_assignments validate constraint booking_table_assignments_booking_fkey;
alter table public.table_hold_members validate constraint table_hold_members_restaurant_id_hold_id_fkey;
alter table public.allocations validate constraint allocations_restaurant_id_hold_id_fkey;
alter table public.table_hold_keys validate constraint table_hold_keys_hold_fkey;
