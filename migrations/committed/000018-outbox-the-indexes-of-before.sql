--! Previous: sha1:5ae2fd1536488a1dd9a6f1d95344c56601296928
--! Hash: sha1:27df4fb4096cc397ac9302cb13dd33b1668a558d
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
