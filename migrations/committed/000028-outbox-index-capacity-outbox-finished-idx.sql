--! Previous: sha1:6262bba7ac965baa67c1d9f876288b89af4d6774
--! Hash: sha1:5db95aa382b80d601bd9171218358e0b019b0dc0
--! Message: outbox: index capacity outbox finished idx

--! no-transaction
-- Without holding up writes. The archive takes the oldest events that are done by it.
create index concurrently if not exists capacity_outbox_finished_idx on public.capacity_outbox (finished_at) where status = 'done';
