--! Previous: sha1:60dbb11c7d3fba6470c1cbc270789e5916706730
--! Hash: sha1:225d07fe57554399dbeff9d7e60eee37df927892
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
