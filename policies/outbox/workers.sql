-- Who dispatches, and which events their handlers have begun. A worker that dies takes down whatever it had: what was only leased is tried
-- again as if nothing had happened, and only what was at work can have been the cause. Starts are added in groups, a row each, and never
-- looked up but by a sweep that found a dead worker: while VACUUM is held back, a row changed over and over would get slower and slower.

create table if not exists outbox.workers (
  queue regclass references outbox.queues (queue),
  worker text,
  seen_at timestamptz not null default clock_timestamp(),
  circuits jsonb not null default '{}' check (jsonb_typeof(circuits) = 'object'),
  primary key (queue, worker)
);
comment on table outbox.workers is 'Dispatchers that say what they begin. One that is not here counts as having begun all that it leased.';
comment on column outbox.workers.worker is 'As in locked_by. Never the same for two processes.';
comment on column outbox.workers.seen_at is 'When it last reported: about as often as it sweeps.';
comment on column outbox.workers.circuits is
  'Tenants whose handlers keep failing or not answering, and that it leaves alone for now: {"tenant": {"failures": …, "until": …}}.';

create table if not exists outbox.starts (
  queue regclass not null references outbox.queues (queue),
  worker text not null,
  tenants uuid[] not null,
  ids bigint[] not null,
  tokens bigint[] not null
);
comment on table outbox.starts is 'Events whose handlers a worker has begun or is about to begin, in groups; some of them are finished.';
comment on column outbox.starts.tokens is 'Of the leases: begun again under another lease, it is another start.';

revoke all on table outbox.workers, outbox.starts from public, authenticated, anonymous, app_background;
grant select, insert, update, delete on table outbox.workers, outbox.starts to app_background;
alter table outbox.workers enable row level security;
alter table outbox.starts enable row level security;
drop policy if exists background_access on outbox.workers;
create policy background_access on outbox.workers for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.workers is 'A named background job reports.';
drop policy if exists background_access on outbox.starts;
create policy background_access on outbox.starts for all to app_background
  using ((select tenancy.is_background())) with check ((select tenancy.is_background()));
comment on policy background_access on outbox.starts is 'A named background job says what it begins.';

create or replace function outbox.start(
  worker text, tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  insert into outbox.starts as s (queue, worker, tenants, ids, tokens) values (queue, worker, tenants, ids, tokens);
end
$$;
comment on function outbox.start(text, uuid[], bigint[], bigint[], regclass) is
  'Says that a worker begins these events now. Commit before you begin. For background jobs that call outbox.report() too.';

create or replace function outbox.report(
  worker text, tenants uuid[] default '{}', ids bigint[] default '{}', tokens bigint[] default '{}', circuits jsonb default '{}',
  queue regclass default 'public.capacity_outbox'
) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  insert into outbox.workers as w (queue, worker, circuits) values (queue, worker, circuits)
  on conflict on constraint workers_pkey do update set seen_at = clock_timestamp(), circuits = excluded.circuits;
  delete from outbox.starts as s where s.queue = report.queue and s.worker = report.worker;
  if cardinality(ids) > 0 then
    perform outbox.start(worker, tenants, ids, tokens, queue);
  end if;
  -- Leases are a day long at most, and pauses between reports an hour.
  with gone as (
    delete from outbox.workers as w where w.queue = report.queue and w.seen_at < clock_timestamp() - interval '2 days' returning w.worker
  )
  delete from outbox.starts as s using gone as g where s.queue = report.queue and s.worker = g.worker;
end
$$;
comment on function outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass) is
  'Says that a worker is there, which events it is at work on, in place of all that it said before, and whom it leaves alone. Call it before '
  'the first claim and every few seconds. For background jobs.';

create or replace function outbox.leave(worker text, queue regclass default 'public.capacity_outbox') returns void
language plpgsql
set search_path = ''
as $$
begin
  perform outbox.require_job();
  delete from outbox.starts as s where s.queue = leave.queue and s.worker = leave.worker;
  delete from outbox.workers as w where w.queue = leave.queue and w.worker = leave.worker;
end
$$;
comment on function outbox.leave(text, regclass) is 'A worker that holds nothing any more is gone. For background jobs.';

revoke execute on function
  outbox.start(text, uuid[], bigint[], bigint[], regclass), outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass),
  outbox.leave(text, regclass)
from public;
grant execute on function
  outbox.start(text, uuid[], bigint[], bigint[], regclass), outbox.report(text, uuid[], bigint[], bigint[], jsonb, regclass),
  outbox.leave(text, regclass)
to app_background;
