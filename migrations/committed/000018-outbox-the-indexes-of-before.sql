--! Previous: sha1:169fa1ab3347b54e50a91b81c8eb03767cb5fdba
--! Hash: sha1:edc73d52da5a302193ee61a1b6345fe8d8fb3253
--! Message: outbox: the indexes of before

-- The dispatch indexes answer what these did, and are no larger than what waits.
drop index if exists public.capacity_outbox_due_idx;
drop index if exists public.outbox_due_idx;
