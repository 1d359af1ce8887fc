--! Previous: sha1:62e6cd12c05542b9623aaad47336edae8a64c73a
--! Hash: sha1:913c544918682960ef581192d6533a8b52e940a6
--! Message: keys of assignments and holds are valid

-- Writes go on meanwhile. Row security is forced and may hide rows from the owner whose constraint this is, so a job has looked before.
alter table public.booking_table_assignments validate constraint booking_table_assignments_booking_fkey;
alter table public.table_hold_members validate constraint table_hold_members_restaurant_id_hold_id_fkey;
alter table public.allocations validate constraint allocations_restaurant_id_hold_id_fkey;
alter table public.table_hold_keys validate constraint table_hold_keys_hold_fkey;
