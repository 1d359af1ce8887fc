--! Previous: sha1:5830c106d106f0d9e838d7578053a43f121d994e
--! Hash: sha1:f8a2947a4374a830a8dbcd1914c7c8b4cc8d531a
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
