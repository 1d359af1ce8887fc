--! Previous: sha1:b13c2933d05e69270c954808bf90dba030e87b5c
--! Hash: sha1:5775969bd168f1dab24acfba0a13be327744f7e3
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
