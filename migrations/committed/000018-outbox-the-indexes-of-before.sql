--! Previous: sha1:2a2bccdb76836cf5a5571e1e33546b5162d87395
--! Hash: sha1:319b4815a409d9f64e5604e3ca4e7224d6b9ca1a
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
