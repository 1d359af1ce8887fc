--! Previous: sha1:2f7376d2a5e5653273174e10afbf1bf467d2c1b0
--! Hash: sha1:47179aa8e73f59da35aee83a7bf026e8d290c3a5
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
