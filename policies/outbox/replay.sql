-- After the cause is mended. The token goes on counting, so that a worker from before cannot acknowledge what is sent again.
create or replace function outbox.replay(
  tenant uuid default null, id bigint default null, max_events integer default 1000, queue regclass default 'public.capacity_outbox'
) returns table (replayed_tenant uuid, replayed_id bigint, outcome text)
language plpgsql
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  event record;
begin
  perform outbox.require_job();
  for event in execute format(
    $sql$
      select q.restaurant_id, q.id from %s as q
      where q.status = 'dead' and ($1 is null or q.restaurant_id = $1) and ($2 is null or q.id = $2)
      order by q.finished_at, q.id limit $3 for update skip locked
    $sql$, known.queue)
    using tenant, id, max_events
  loop
    replayed_tenant := event.restaurant_id;
    replayed_id := event.id;
    begin
      execute format(
        $sql$
          update %s as q
          set status = 'pending', attempts = 0, lost_leases = 0, next_attempt_at = clock_timestamp(), finished_at = null, dead_reason = null
          where q.restaurant_id = $1 and q.id = $2
        $sql$, known.queue)
      using event.restaurant_id, event.id;
      outcome := 'replayed';
    exception
      -- One that tells the same has come since: sending both would be sending it twice.
      when unique_violation then outcome := 'waits already';
    end;
    return next;
  end loop;
end
$$;
comment on function outbox.replay(uuid, bigint, integer, regclass) is
  'Lets dead events (all, of a tenant, one) be tried again from the first attempt, the oldest first. outcome: replayed, or waits already: '
  'the same event has been added again since. For background jobs.';

revoke execute on function outbox.replay(uuid, bigint, integer, regclass) from public;
grant execute on function outbox.replay(uuid, bigint, integer, regclass) to app_background;
