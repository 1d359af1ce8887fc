--! Previous: sha1:df19f405e5c2af3d69fe7511fbe61e068d7033d9
--! Hash: sha1:59f6d10c124cfc930060ff32ad43e4cdab398297
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
