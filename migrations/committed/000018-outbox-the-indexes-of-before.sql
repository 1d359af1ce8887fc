--! Previous: sha1:c71f2a99b504f730c323de82ecd295b68cd835e6
--! Hash: sha1:e73b9240f13022e509e3ec3348043f6a16deff9e
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
