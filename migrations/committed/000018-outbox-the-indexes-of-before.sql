--! Previous: sha1:081517c32d87f343151baaaa494a6d51c4b4526b
--! Hash: sha1:59c66e54d991cda57c01cec765f425922c8f4e7d
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
