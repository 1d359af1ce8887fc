--! Previous: sha1:6dd559299cd825b134cb3e603540f7b522e87241
--! Hash: sha1:2fe142fec67e33e3e1825b9e0b2cdd420a06b900
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
