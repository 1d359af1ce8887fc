--! Previous: sha1:c72fe05fe14ce51c67d3232c7be778620aa49226
--! Hash: sha1:ea66097a476d1b47c468da04753c72c3ede2380c
--! Message: keys of assignments and holds are valid

-- Writes go on meanwhile. Row security is forced and may hide rows from the owner whose constraint this is, so a job has looked before.
alter table public.booking_table_assignments validate constraint booking_table_assignments_booking_fkey;
alter table public.table_hold_members validate constraint table_hold_members_restaurant_id_hold_id_fkey;
alter table public.allocations validate constraint allocations_restaurant_id_hold_id_fkey;
alter table public.table_hold_keys validate constraint table_hold_keys_hold_fkey;
