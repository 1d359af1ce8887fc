--! Previous: sha1:2d25b548e104a2ed92780873280b7e7617dcf864
--! Hash: sha1:96ed6cccbc4693ca9b394c296905b2822e5de1a6
--! Message: outbox: index capacity outbox dispatch idx

--! no-transaction
-- Without holding up writes. Claims walk along it from tenant to tenant; a tenant finds its own events by it.
create index concurrently if not exists capacity_outbox_dispatch_idx on public.capacity_outbox (restaurant_id, next_attempt_at, id) where status = 'pending';
