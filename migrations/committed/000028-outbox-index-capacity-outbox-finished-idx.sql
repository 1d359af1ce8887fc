--! Previous: sha1:91a5ae08ffd3e837807d10a1ee55bfb21430a88f
--! Hash: sha1:6a3ba11c07545e1de9d94dbe113337c2e830bf6d
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
