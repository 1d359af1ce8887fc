-- What claims don't see. To be called every few seconds by whoever dispatches, on one queue by several at a time if need be.

create or replace function outbox.sweep(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox',
  out returned integer, out buried integer, out late boolean
)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  before outbox.cursors;
  found_floor record;
begin
  perform outbox.require_job();
  -- Leases that ended. They count as attempts: an event that kills its worker each time has to die some day. It may be tried again
  -- without delay the first time, when it was most likely the worker's fault.
  execute format(
    $sql$
      with expired as (
        select o.restaurant_id, o.id,
          case when o.attempts >= o.max_attempts then 'lease_expired' end as dead_reason
        from %1$s as o
        where o.status = 'processing' and o.locked_until < clock_timestamp()
        order by o.locked_until
        limit $1
        for update skip locked
      ),
      changed as (
        update %1$s as q
        set status = case when e.dead_reason is null then 'pending' else 'dead' end,
          dead_reason = e.dead_reason,
          finished_at = case when e.dead_reason is not null then clock_timestamp() end,
          next_attempt_at = clock_timestamp() + case when q.attempts > 1 then outbox.backoff(q.attempts, $2, $3) else '0' end,
          last_error = format('the lease of %%s expired', q.locked_by), locked_until = null, locked_by = null
        from expired as e where q.restaurant_id = e.restaurant_id and q.id = e.id
        returning q.status
      )
      select count(*) filter (where status = 'pending'), count(*) filter (where status = 'dead') from changed
    $sql$, known.queue)
  into returned, buried using max_events, known.backoff_base, known.backoff_cap;

  -- Events below the floor: their transaction took longer than the lag, or somebody gave them a time in the past.
  select * into strict before from outbox.cursors as c where c.queue = sweep.queue for no key update;
  found_floor := outbox.find_floor(queue, before, '-infinity', '{}', '-infinity');
  late := found_floor.late;
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor, swept_at = clock_timestamp()
  where c.queue = sweep.queue;
end
$$;
comment on function outbox.sweep(integer, regclass) is
  'Gives events back whose lease has ended (returned; buried: those at their last attempt), and lowers the floor to what came in below it '
  '(late), so that the next claims find it. For background jobs.';

-- Holds are no events, but they expire too, and nobody else goes by: whether one counts is decided by expires_at, not by this.
create or replace function outbox.expire_holds(max_holds integer default 1000) returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  expired pg_catalog.int4;
begin
  perform outbox.require_job();
  update public.holds as h set status = 'expired', updated_at = clock_timestamp()
  from (
    select o.restaurant_id, o.id from public.holds as o
    where o.status = 'active' and o.expires_at <= clock_timestamp()
    limit max_holds
    for update skip locked
  ) as due
  where h.restaurant_id = due.restaurant_id and h.id = due.id;
  get diagnostics expired = row_count;
  return expired;
end
$$;
comment on function outbox.expire_holds(integer) is 'Marks holds as expired whose time has come, and says how many. For background jobs.';

revoke execute on function outbox.sweep(integer, regclass), outbox.expire_holds(integer) from public;
grant execute on function outbox.sweep(integer, regclass), outbox.expire_holds(integer) to app_background;
