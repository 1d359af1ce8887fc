-- The queues of the reference platform.

select outbox.register('public.capacity_outbox', keyless_once => true);
-- A message to a guest must not be refused because its producer names no key.
select outbox.register('public.outbox', array['destination', 'aggregate_type', 'aggregate_id']::name[]);

create table if not exists public.capacity_outbox_archive (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint not null,
  event_type text not null check (event_type <> ''),
  payload jsonb not null check (jsonb_typeof(payload) = 'object'),
  dedupe_key text,
  idempotency_key text,
  attempts integer not null check (attempts >= 0),
  created_at timestamptz not null,
  finished_at timestamptz not null,
  archived_at timestamptz not null default now(),
  -- The id alone would not do: a unique key contains the partition key. It is the queue's, which gives each one once.
  primary key (restaurant_id, id, finished_at)
) partition by range (finished_at);

create index if not exists capacity_outbox_archive_finished_at_idx on public.capacity_outbox_archive (restaurant_id, finished_at);

comment on table public.capacity_outbox_archive is
  'Events of public.capacity_outbox that are done, by month. outbox.archive() moves them here; columns mean what they do there.';
comment on column public.capacity_outbox_archive.finished_at is 'When it was done. The partition key.';
comment on column public.capacity_outbox_archive.archived_at is 'When it came here.';

select tenancy.protect('public.capacity_outbox_archive', 'restaurant_id');
select outbox.register_archive('public.capacity_outbox', 'public.capacity_outbox_archive');

select partitions.manage('public.capacity_outbox_archive', 'month', retention => '6 months');
-- The last month too: an event that was done before midnight is archived in it.
select partitions.fill('public.capacity_outbox_archive', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.capacity_outbox_archive');

-- Not CONCURRENTLY, which no transaction allows: where there are events already, outbox.index_statements() has built them before.
do $$
declare
  wanted record;
begin
  for wanted in
    select i.statement
    from unnest(array['public.capacity_outbox', 'public.outbox']::regclass[]) as queue
    cross join lateral outbox.index_statements(queue) as i
  loop
    execute replace(wanted.statement, ' concurrently ', ' ');
  end loop;
end
$$;
