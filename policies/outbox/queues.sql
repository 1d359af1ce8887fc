-- Which tables are queues, and how far each has been worked through. What changes with every claim stands apart from what is
-- configured, in a row of its own, so that its old versions are few pages and nobody who enqueues reads them.

create table if not exists outbox.queues (
  queue regclass primary key,
  channel text check (channel ~ '^[a-z_][a-z0-9_]{0,62}$'),
  lag interval not null default '5 seconds' check (lag >= '0' and lag <= '1 day'),
  backoff_base interval not null default '5 seconds' check (backoff_base > '0' and backoff_base <= '1 day'),
  backoff_cap interval not null default '1 hour' check (backoff_cap > '0' and backoff_cap <= '1 year'),
  keyless_once boolean not null default false,
  attributes name[] not null default '{}'
);
comment on table outbox.queues is 'The tables that the functions of this schema work on, and no others.';
comment on column outbox.queues.channel is 'NOTIFY goes there after an insert of something due, at most once a transaction; NULL: nowhere.';
comment on column outbox.queues.lag is 'How far the floor stays behind the oldest event. Longer than transactions that enqueue take as a rule: what commits later waits for a sweep. Shorter is faster while VACUUM is held back.';
comment on column outbox.queues.backoff_base is 'The n-th retry comes after a random time of up to base * 2^(n-1).';
comment on column outbox.queues.backoff_cap is 'Longest back-off.';
comment on column outbox.queues.keyless_once is 'Whether events of a type that are inserted with neither key count as the same one.';
comment on column outbox.queues.attributes is 'Columns that this queue has besides those that all have.';

alter table outbox.queues add column if not exists archive regclass;
comment on column outbox.queues.archive is 'Where outbox.archive() puts events that are done: see outbox.register_archive(). NULL: they stay.';

create table if not exists outbox.cursors (
  queue regclass primary key references outbox.queues (queue),
  position uuid not null default '00000000-0000-0000-0000-000000000000',
  floor timestamptz not null default '-infinity',
  behind uuid[] not null default '{}',
  behind_floor timestamptz not null default '-infinity',
  claims bigint not null default 0,
  swept_at timestamptz
) with (fillfactor = 10, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0);
comment on table outbox.cursors is 'Where the next claim goes on.';
comment on column outbox.cursors.position is 'The tenant that was served last: the next claim begins after it.';
comment on column outbox.cursors.floor is
  'Claims look at no event that is due before this: what lies there is dead to the index, or came late and is found by the next sweep.';
comment on column outbox.cursors.behind is
  'The few tenants whose backlog is older than the floor, in the order of their ids: one large backlog must not hold down the floor of all others.';
comment on column outbox.cursors.behind_floor is 'Their floor.';
comment on column outbox.cursors.claims is 'How many there were; every 50th raises the floor.';

revoke all on table outbox.queues, outbox.cursors from public, authenticated, anonymous, app_background;
grant select on table outbox.queues to authenticated, app_background;
grant select, update on table outbox.cursors to app_background;

alter table outbox.cursors enable row level security;
drop policy if exists background_access on outbox.cursors;
create policy background_access on outbox.cursors for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.cursors is 'A named background job moves the cursors.';

-- The only way by which a table gets into a statement of this schema.
create or replace function outbox.registered(queue regclass) returns outbox.queues
language plpgsql stable
set search_path = ''
as $$
declare
  known outbox.queues;
begin
  select * into known from outbox.queues as q where q.queue = registered.queue;
  if known.queue is null then
    raise undefined_object using
      message = format('%s is no queue', coalesce(queue::pg_catalog.text, 'NULL')), hint = 'The owner makes it one: see outbox.register().';
  end if;
  return known;
end
$$;
comment on function outbox.registered(regclass) is 'What is configured of a queue; an error if the table is none.';

create or replace function outbox.require_job() returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'SET LOCAL ROLE app_background, then tenancy.set_job(…), in the same transaction.';
  end if;
end
$$;
comment on function outbox.require_job() is 'An error unless this transaction is a named background job.';

revoke execute on function outbox.registered(regclass), outbox.require_job() from public;
grant execute on function outbox.registered(regclass) to authenticated, app_background;
grant execute on function outbox.require_job() to app_background;
