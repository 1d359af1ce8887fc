-- What claims don't see. To be called every few seconds by whoever dispatches, on one queue by several at a time if need be. Each part
-- is worth a transaction of its own: leases come back whatever becomes of the floor.

create or replace function outbox.return_leases(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox', out returned integer, out buried integer
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
  ended record;
  counted record;
  reason pg_catalog.text;
  -- Begun or not, by what its worker has said; a worker that says nothing has begun all that it had.
  statement constant pg_catalog.text := format(
    $sql$
      with given (worker, restaurant_id, id, token) as (select * from unnest($1, $2, $3, $4)),
      begun as (
        select g.* from given as g where not exists (select from outbox.workers as w where w.queue = $5 and w.worker = g.worker)
        union all
        (select g.* from given as g
         intersect
         select s.worker, e.* from outbox.starts as s cross join unnest(s.tenants, s.ids, s.tokens) as e
         where s.queue = $5 and s.worker = any ($1))
      ),
      judged as (
        select g.restaurant_id, g.id, g.token, g in (select b from begun as b) as begun from given as g
      ),
      changed as (
        update %1$s as q
        set status = case when v.dead then 'dead' else 'pending' end,
          dead_reason = case when v.dead then 'lease_expired' end,
          finished_at = case when v.dead then clock_timestamp() end,
          attempts = v.attempts,
          lost_leases = v.lost_leases,
          -- Without delay the first time, when it was most likely the worker's fault, or another event's.
          next_attempt_at = clock_timestamp() + case when v.lost_leases > 1 then outbox.backoff(v.attempts, $6, $7) else '0' end,
          last_error = case when v.lost_leases = q.lost_leases then q.last_error else left(format('the lease of %%s expired', q.locked_by), 2000) end,
          locked_until = null, locked_by = null
        from (
          select c.*, c.attempts >= c.max_attempts or c.lost_leases > 5 as dead
          from (
            select j.restaurant_id, j.id, j.token, o.max_attempts, o.attempts + (j.begun and o.lost_leases > 0)::pg_catalog.int4 as attempts,
              o.lost_leases + j.begun::pg_catalog.int4 as lost_leases
            from judged as j join %1$s as o on o.restaurant_id = j.restaurant_id and o.id = j.id
          ) as c
        ) as v
        where q.restaurant_id = v.restaurant_id and q.id = v.id and q.lease_token = v.token and coalesce(q.status, '') = 'processing'
        returning q.status
      )
      select count(*) filter (where status = 'pending') as returned, count(*) filter (where status = 'dead') as buried from changed
    $sql$, known.queue);
begin
  perform outbox.require_job();
  execute format(
    $sql$
      select array_agg(e.locked_by) as workers, array_agg(e.restaurant_id) as tenants, array_agg(e.id) as ids, array_agg(e.lease_token) as tokens
      from (
        select o.locked_by, o.restaurant_id, o.id, o.lease_token from %s as o
        where o.status = 'processing' and o.locked_until < clock_timestamp()
        order by o.locked_until limit $1
        for update skip locked
      ) as e
    $sql$, known.queue)
  into ended using max_events;
  begin
    execute statement into returned, buried
      using ended.workers, ended.tenants, ended.ids, ended.tokens, known.queue, known.backoff_base, known.backoff_cap;
  exception
    -- Of the transaction or the server, not of a row.
    when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
      or lock_not_available then raise;
    when others then
      -- A row that cannot be changed stops no other, and those behind it have their turn whatever max_events is.
      execute format(
        $sql$
          select array_agg(o.locked_by) as workers, array_agg(o.restaurant_id) as tenants, array_agg(o.id) as ids, array_agg(o.lease_token) as tokens
          from (select * from %s as q where q.status = 'processing' and q.locked_until < clock_timestamp() for update skip locked) as o
        $sql$, known.queue)
      into ended;
      returned := 0;
      buried := 0;
      for place in 1 .. coalesce(cardinality(ended.ids), 0) loop
        exit when returned + buried >= max_events;
        begin
          execute statement into counted
            using ended.workers[place : place], ended.tenants[place : place], ended.ids[place : place], ended.tokens[place : place],
              known.queue, known.backoff_base, known.backoff_cap;
          returned := returned + counted.returned;
          buried := buried + counted.buried;
        exception
          when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
            or lock_not_available then raise;
          when others then reason := format('event %s of %s cannot be given back: %s', ended.ids[place], ended.tenants[place], sqlerrm);
        end;
      end loop;
  end;
  if reason is not null then
    raise warning '%', reason;
  end if;
end
$$;
comment on function outbox.return_leases(integer, regclass) is
  'Gives events back whose lease has ended (returned; buried: those at their last attempt, or whose lease ended so for the sixth time in a '
  'row). What its worker had not begun keeps its attempts. For background jobs.';

create or replace function outbox.lower_floor(queue regclass default 'public.capacity_outbox') returns boolean
language plpgsql
set search_path = ''
as $$
declare
  before outbox.cursors;
  found_floor record;
begin
  perform outbox.require_job();
  select * into strict before from outbox.cursors as c where c.queue = lower_floor.queue for no key update;
  found_floor := outbox.find_floor(queue, before, '-infinity', '{}', '-infinity');
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor, swept_at = clock_timestamp()
  where c.queue = lower_floor.queue;
  return found_floor.late;
end
$$;
comment on function outbox.lower_floor(regclass) is
  'Puts the floor right, looking from the beginning: true if something waited below it, because its transaction took longer than the lag or '
  'somebody gave it a time in the past. The next claims find it. For background jobs.';

-- By hand, and by dispatchers from before there were parts.
create or replace function outbox.sweep(
  max_events integer default 1000, queue regclass default 'public.capacity_outbox',
  out returned integer, out buried integer, out late boolean
)
language plpgsql
set search_path = ''
as $$
declare
  leases record;
begin
  leases := outbox.return_leases(max_events, queue);
  returned := leases.returned;
  buried := leases.buried;
  begin
    late := outbox.lower_floor(queue);
  exception
    when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
      or lock_not_available or insufficient_privilege then raise;
    when others then raise warning 'the floor of % stays where it is: %', queue, sqlerrm;
  end;
end
$$;
comment on function outbox.sweep(integer, regclass) is
  'outbox.return_leases() and outbox.lower_floor() in one: the first stands whatever becomes of the second. For background jobs.';

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

revoke execute on function
  outbox.sweep(integer, regclass), outbox.return_leases(integer, regclass), outbox.lower_floor(regclass), outbox.expire_holds(integer)
from public;
grant execute on function
  outbox.sweep(integer, regclass), outbox.return_leases(integer, regclass), outbox.lower_floor(regclass), outbox.expire_holds(integer)
to app_background;
