--! Previous: sha1:9c71bb39421833e1606202703ef740040cb18bd7
--! Hash: sha1:0ea137f99cceb987ddf14409bee9e94f9724e50d
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
