--! Previous: sha1:83c8f7d5ad1f683e5d66db97aed6969b4d77d77c
--! Hash: sha1:a50f6233b4dd45afa4cba6d6a24e2038e5db6680
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
