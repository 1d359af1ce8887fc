-- What a worker does with what it has leased. Whoever lost the lease, since it took too long, has an older token than the row: what it
-- says is ignored, and it gets to know so.
-- The status is compared by COALESCE, which no index answers: the primary key has to, since to the planner hardly any row is leased, and
-- by the index of the leases it would walk past every lease that ever was while VACUUM is held back.

create or replace function outbox.ack(
  tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = 'done', attempts = q.attempts + 1, lost_leases = 0, finished_at = clock_timestamp(), locked_until = null, locked_by = null,
        last_error = null
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens;
end
$$;
comment on function outbox.ack(uuid[], bigint[], bigint[], regclass) is
  'Marks events as done and returns those; not those whose token is not the latest: somebody else has them, or had them. For background jobs.';

create or replace function outbox.extend(
  tenants uuid[], ids bigint[], tokens bigint[], lease interval default '1 minute', queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  if not coalesce(lease between '1 second' and '1 day', false) then
    raise invalid_parameter_value using message = 'a lease is from a second to a day long';
  end if;
  return query execute format(
    $sql$
      update %s as q set locked_until = clock_timestamp() + $4
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens, lease;
end
$$;
comment on function outbox.extend(uuid[], bigint[], bigint[], interval, regclass) is
  'Lets leases end later and returns the events whose lease it was; of the others let go. For background jobs.';

-- Full jitter: after an outage everything fails at once, and must not come back at once.
create or replace function outbox.backoff(attempts integer, base interval, cap interval) returns interval
language sql volatile
return random() * least(cap, base * power(2, least(greatest(attempts, 1), 31) - 1));
comment on function outbox.backoff(integer, interval, interval) is 'A random time from nothing up to base * 2^(attempts - 1), and up to cap.';

create or replace function outbox.fail_all(
  tenants uuid[], ids bigint[], tokens bigint[], errors text[], retries boolean[], retry_afters interval[],
  queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint, status text)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = case when v.dead_reason is null then 'pending' else 'dead' end,
        dead_reason = v.dead_reason,
        attempts = q.attempts + 1,
        lost_leases = 0,
        finished_at = case when v.dead_reason is not null then clock_timestamp() end,
        next_attempt_at = case when v.dead_reason is null
          then clock_timestamp() + coalesce(least(greatest(v.retry_after, '0'), '1 year'), outbox.backoff(q.attempts + 1, $7, $8))
          else q.next_attempt_at end,
        last_error = left(v.error, 2000), locked_until = null, locked_by = null
      from (
        select c.*, case when not coalesce(c.retry, true) then 'rejected' when o.attempts + 1 >= o.max_attempts then 'attempts' end as dead_reason
        from unnest($1, $2, $3, $4, $5, $6) as c (restaurant_id, id, token, error, retry, retry_after)
        join %1$s as o on o.restaurant_id = c.restaurant_id and o.id = c.id
      ) as v
      where q.restaurant_id = v.restaurant_id and q.id = v.id and q.lease_token = v.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id, q.status
    $sql$, known.queue)
  using tenants, ids, tokens, errors, retries, retry_afters, known.backoff_base, known.backoff_cap;
end
$$;
comment on function outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass) is
  'outbox.fail() for many events: returns those that were theirs to fail, with the status that each has now. For background jobs.';

create or replace function outbox.fail(
  tenant uuid, id bigint, token bigint, error text,
  retry boolean default true, retry_after interval default null, queue regclass default 'public.capacity_outbox'
) returns text
language sql volatile
set search_path = ''
as $$
  select f.status from outbox.fail_all(array[tenant], array[id], array[token], array[error], array[retry], array[retry_after], queue) as f
$$;
comment on function outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass) is
  'Gives an event back: pending after a random back-off (or retry_after, at most a year), or dead, at its last attempt or if retry is false, '
  'which is for what will never succeed. Returns its status; NULL if the token is not the latest. For background jobs.';

create or replace function outbox.release(
  tenants uuid[], ids bigint[], tokens bigint[], queue regclass default 'public.capacity_outbox'
) returns table (tenant uuid, id bigint)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform outbox.require_job();
  return query execute format(
    $sql$
      update %s as q
      set status = 'pending', next_attempt_at = clock_timestamp(), locked_until = null, locked_by = null
      from unnest($1, $2, $3) as c (restaurant_id, id, token)
      where q.restaurant_id = c.restaurant_id and q.id = c.id and q.lease_token = c.token and coalesce(q.status, '') = 'processing'
      returning q.restaurant_id, q.id
    $sql$, (outbox.registered(queue)).queue)
  using tenants, ids, tokens;
end
$$;
comment on function outbox.release(uuid[], bigint[], bigint[], regclass) is
  'Gives back what has not been begun, as a worker does that stops: it is due at once and that was no attempt. For background jobs.';

revoke execute on function
  outbox.ack(uuid[], bigint[], bigint[], regclass), outbox.extend(uuid[], bigint[], bigint[], interval, regclass),
  outbox.backoff(integer, interval, interval), outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass),
  outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
from public;
grant execute on function
  outbox.ack(uuid[], bigint[], bigint[], regclass), outbox.extend(uuid[], bigint[], bigint[], interval, regclass),
  outbox.backoff(integer, interval, interval), outbox.fail_all(uuid[], bigint[], bigint[], text[], boolean[], interval[], regclass),
  outbox.fail(uuid, bigint, bigint, text, boolean, interval, regclass),
  outbox.release(uuid[], bigint[], bigint[], regclass)
to app_background;
