-- Fair between tenants: a claim goes from tenant to tenant, beginning after the one that was served last, and takes a few events of
-- each. Who has a million waiting gets as many of a batch as who has ten. Nothing in it grows with the backlog:
-- * the walk jumps over the dispatch index from one tenant with something pending to the next, and stops when the batch is full;
-- * with each tenant it begins at the floor, below which the index holds little but entries of rows that are done; while some
--   long transaction keeps VACUUM from removing these, walking over them is what makes a queue slower and slower;
-- * what is locked is skipped, the row with the cursor too: dispatchers do not wait for each other.
-- A dispatcher says whom it can take how much of: a tenant whose handlers hang must not fill up its hands.

-- The start of a statement: the tenants that have something pending, in the order of their ids, each with its earliest. Read from it as
-- far as you need, and it does no more than that. Parameters: $1 position, $2 floor, $3 tenants that are behind, $4 their floor.
create or replace function outbox.tenants_clause(queue regclass, side text) returns text
language sql stable
set search_path = ''
as $$
  select format(
    $sql$
      with recursive tenant (restaurant_id, earliest) as (
        (%s)
        union all
        select n.restaurant_id, n.next_attempt_at from tenant as t cross join lateral (%s) as n
      )
    $sql$,
    replace(head.statement, ':bound', bound.condition),
    replace(head.statement, ':bound', 'x.restaurant_id > t.restaurant_id and ' || bound.condition))
  from outbox.registered(tenants_clause.queue) as known
  cross join lateral (
    select case side when 'after' then 'x.restaurant_id > $1' when 'up to' then 'x.restaurant_id <= $1' when 'all' then 'true' end
  ) as bound (condition)
  cross join lateral (
    select format(
      $sql$
        select m.restaurant_id, m.next_attempt_at
        from (
          (select x.restaurant_id, x.next_attempt_at from %1$s as x
           where x.status = 'pending' and x.next_attempt_at >= $2 and :bound
           order by x.restaurant_id, x.next_attempt_at limit 1)
          union all
          (select x.restaurant_id, f.next_attempt_at from unnest($3) as x (restaurant_id)
           cross join lateral (
             select q.next_attempt_at from %1$s as q
             where q.status = 'pending' and q.restaurant_id = x.restaurant_id and q.next_attempt_at >= $4
             order by q.restaurant_id, q.next_attempt_at limit 1
           ) as f
           where :bound limit 1)
        ) as m
        order by m.restaurant_id, m.next_attempt_at limit 1
      $sql$, known.queue)
  ) as head (statement)
$$;
comment on function outbox.tenants_clause(regclass, text) is
  'WITH … tenant (restaurant_id, earliest): those with something pending, after or up to a position, or all; part of outbox.claim().';

-- A function of its own, so that its plan can be looked at: EXPLAIN (ANALYZE) what this returns, with values for its parameters.
create or replace function outbox.walk_statement(queue regclass, side text) returns text
language sql stable
set search_path = ''
as $$
  select outbox.tenants_clause(queue, side) || format(
    $sql$,
      chosen as (
        select e.restaurant_id, e.id from tenant as t
        cross join lateral (select coalesce(($9)[array_position($8, t.restaurant_id)], $10) as allowed) as a
        cross join lateral (
          select q.restaurant_id, q.id from %1$s as q
          where q.status = 'pending' and q.restaurant_id = t.restaurant_id and q.next_attempt_at >= t.earliest and q.next_attempt_at <= $5
          order by q.next_attempt_at, q.id
          limit least($6, a.allowed)
          for update skip locked
        ) as e
        where t.earliest <= $5
        limit $7
      )
      select coalesce(array_agg(c.restaurant_id), '{}') as tenants, coalesce(array_agg(c.id), '{}') as ids from chosen as c
    $sql$, known.queue)
  from outbox.registered(walk_statement.queue) as known
$$;
comment on function outbox.walk_statement(regclass, text) is
  'One pass of outbox.claim() over the tenants after, or up to, a position ($1): locks events that are due by now ($5), at most $6 of each '
  'tenant and $7 in all, from the floor ($2) on, or from $4 for the tenants $3. The tenants $8 may have $9 each, the others $10.';

-- Of before the allowances.
drop function if exists outbox.claim(text, integer, integer, interval, regclass);

create or replace function outbox.claim(
  worker text,
  max_events integer default 100,
  per_tenant integer default 1,
  lease interval default '1 minute',
  queue regclass default 'public.capacity_outbox',
  allowed_tenants uuid[] default '{}',
  allowances integer[] default '{}',
  allowance integer default null
) returns table (
  tenant uuid, id bigint, token bigint, attempt integer, event_type text, payload jsonb, dedupe_key text, idempotency_key text,
  created_at timestamptz, leased_until timestamptz, attributes jsonb, lost_leases integer
)
language plpgsql
set search_path = ''
-- Statistics of a queue are stale by nature, and a plan that believes them sorts or scans the whole of it, or walks over the primary
-- key past all that is done. Only what comes in the order of the dispatch index is left to choose. Compiling such a plan would take
-- longer than running it.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set enable_incremental_sort = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  now constant pg_catalog.timestamptz := clock_timestamp();
  own_columns constant pg_catalog.text := (select string_agg(format('%L, q.%I', a, a), ', ') from unnest(known.attributes) as a);
  cursor_row outbox.cursors;
  cursor_is_mine pg_catalog.bool;
  last_served pg_catalog.uuid;
  share pg_catalog.int4 := per_tenant;
  claimed pg_catalog.int4 := 0;
  before_round pg_catalog.int4;
  served pg_catalog.int4;
  picked record;
  side pg_catalog.text;
  -- What is left of the allowances in this claim.
  whose pg_catalog.uuid[] := allowed_tenants;
  left_over pg_catalog.int4[] := allowances;
  -- Rows that cannot be changed, for which see the exception below. They are picked again in each round, beside the next.
  stuck pg_catalog.int4 := 0;
  stuck_before pg_catalog.int4;
  reason pg_catalog.text;
  -- Sorted, so that nothing is returned before all have been changed: what a failed statement has returned would be returned.
  lease_statement constant pg_catalog.text := format(
    $sql$
      with leased as (
        update %1$s as q
        set status = 'processing', lease_token = q.lease_token + 1, locked_by = $3, locked_until = $4
        from unnest($1, $2) with ordinality as c (restaurant_id, id, place)
        where q.restaurant_id = c.restaurant_id and q.id = c.id
        returning c.place, q.restaurant_id, q.id, q.lease_token, q.attempts + 1 as attempt, q.event_type, q.payload, q.dedupe_key,
          q.idempotency_key, q.created_at, q.locked_until, %2$s as attributes, q.lost_leases
      )
      select l.restaurant_id, l.id, l.lease_token, l.attempt, l.event_type, l.payload, l.dedupe_key, l.idempotency_key, l.created_at,
        l.locked_until, l.attributes, l.lost_leases
      from leased as l order by l.place
    $sql$, known.queue, coalesce('jsonb_build_object(' || own_columns || ')', $sql$'{}'::pg_catalog.jsonb$sql$));
begin
  perform outbox.require_job();
  if worker is null or not coalesce(max_events between 1 and 10000 and per_tenant between 1 and 10000, false)
    or not coalesce(lease between '1 second' and '1 day', false) then
    raise invalid_parameter_value using
      message = 'a claim wants a worker''s name, up to 10000 events, as many of a tenant, and a lease from a second to a day';
  end if;
  if not coalesce(cardinality(allowed_tenants) = cardinality(allowances) and 0 <= all (allowances), false) or allowance < 0 then
    raise invalid_parameter_value using message = 'allowances are numbers from 0, one for each of allowed_tenants';
  end if;

  select * into cursor_row from outbox.cursors as c where c.queue = claim.queue for update skip locked;
  cursor_is_mine := found;
  if not found then
    select * into strict cursor_row from outbox.cursors as c where c.queue = claim.queue;
  end if;
  last_served := cursor_row.position;

  -- Rounds over all tenants until the batch is full or nothing is left. The first gives each the same; further ones share out what
  -- is left among those who had something in the last.
  loop
    before_round := claimed;
    stuck_before := stuck;
    served := 0;
    foreach side in array array['after', 'up to'] loop
      execute outbox.walk_statement(queue, side) into picked
        using cursor_row.position, cursor_row.floor, cursor_row.behind, cursor_row.behind_floor, now, share + stuck,
          max_events - claimed + stuck, whose, left_over, allowance;
      continue when cardinality(picked.ids) = 0;
      last_served := picked.tenants[cardinality(picked.tenants)];
      begin
        return query execute lease_statement using picked.tenants, picked.ids, worker, now + lease;
        claimed := claimed + cardinality(picked.ids);
      exception
        -- Of the transaction or the server, not of a row.
        when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
          or lock_not_available then raise;
        when others then
          -- A row that breaks a constraint which is not valid, or that a trigger refuses: all others are leased, one by one.
          stuck := 0;
          for place in 1 .. cardinality(picked.ids) loop
            exit when claimed >= max_events;
            begin
              return query execute lease_statement
                using picked.tenants[place : place], picked.ids[place : place], worker, now + lease;
              claimed := claimed + 1;
            exception
              when transaction_rollback or insufficient_resources or operator_intervention or system_error or internal_error
                or lock_not_available then raise;
              when others then
                stuck := stuck + 1;
                reason := format('event %s of %s cannot be leased: %s', picked.ids[place], picked.tenants[place], sqlerrm);
            end;
          end loop;
      end;
      served := served + (select count(distinct t) from unnest(picked.tenants) as t);
      exit when claimed >= max_events;
      if cardinality(whose) > 0 or allowance is not null then
        select coalesce(array_agg(u.tenant), '{}'), coalesce(array_agg(u.remaining), '{}') into whose, left_over
        from (
          select coalesce(b.tenant, p.tenant) as tenant, greatest(coalesce(b.remaining, allowance) - coalesce(p.taken, 0), 0) + stuck as remaining
          from unnest(whose, left_over) as b (tenant, remaining)
          full join (select t as tenant, count(*)::pg_catalog.int4 as taken from unnest(picked.tenants) as t group by t) as p on p.tenant = b.tenant
          where coalesce(b.remaining, allowance) is not null
        ) as u;
      end if;
    end loop;
    exit when claimed >= max_events or claimed = before_round and stuck = stuck_before or served = 0;
    share := greatest(share, (max_events - claimed + served - 1) / served);
  end loop;
  if reason is not null then
    raise warning '%', reason;
  end if;

  if cursor_is_mine and claimed > 0 then
    update outbox.cursors as c set position = last_served, claims = c.claims + 1 where c.queue = claim.queue;
    if (cursor_row.claims + 1) % 50 = 0 then
      perform outbox.raise_floor(queue);
    end if;
  end if;
end
$$;
comment on function outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer) is
  'Leases up to max_events due events to a worker, per_tenant of each tenant in turn, and more of those who have more if the batch is '
  'not full. Acknowledge each with its token before leased_until, by outbox.ack() or outbox.fail(). attempt counts those that failed, and this '
  'one. allowed_tenants may have no more than their allowances in this claim, the others no more than allowance (NULL: as many as there are). '
  'For background jobs.';

-- Where the floor has to be for what waits now, looking from a floor on: below the earliest of every tenant but those that are behind,
-- of which there may be 50. Jumps from tenant to tenant, so it costs as much as there are tenants with a backlog. late: something waits
-- below the floors that claims go by, known.
create or replace function outbox.find_floor(
  queue regclass, known outbox.cursors, from_floor timestamptz, from_behind uuid[], from_behind_floor timestamptz,
  out floor timestamptz, out behind uuid[], out behind_floor timestamptz, out late boolean
)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
set jit = off
as $$
declare
  configured constant outbox.queues := outbox.registered(queue);
begin
  execute outbox.tenants_clause(queue, 'all') || $sql$,
      ranked as materialized (select t.restaurant_id, t.earliest, row_number() over (order by t.earliest) as place from tenant as t),
      line as (
        -- Before any time that an interval can be taken from, there is nothing but the beginning.
        select greatest($2, case when e.at >= '2000-01-01 00:00:00+00' then e.at - $5 else '-infinity' end) as floor
        from (select least((select r.earliest from ranked as r where r.place = 51), clock_timestamp()) as at) as e
      )
      select l.floor,
        coalesce(array_agg(r.restaurant_id order by r.restaurant_id) filter (where r.earliest < l.floor), '{}'),
        coalesce(min(r.earliest) filter (where r.earliest < l.floor), l.floor),
        coalesce(bool_or(r.earliest < case when r.restaurant_id = any ($6) then $7 else $8 end), false)
      from line as l left join ranked as r on true
      group by l.floor
    $sql$
  into find_floor.floor, find_floor.behind, find_floor.behind_floor, find_floor.late
  using null::pg_catalog.uuid, from_floor, from_behind, from_behind_floor, configured.lag, known.behind, known.behind_floor, known.floor;
end
$$;
comment on function outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz) is
  'Where the floor belongs, which tenants are behind it, and whether something waits where claims do not look; part of outbox.claim() and outbox.sweep().';

create or replace function outbox.raise_floor(queue regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
  known outbox.cursors;
  found_floor record;
begin
  select * into strict known from outbox.cursors as c where c.queue = raise_floor.queue for no key update;
  found_floor := outbox.find_floor(queue, known, known.floor, known.behind, known.behind_floor);
  update outbox.cursors as c
  set floor = found_floor.floor, behind = found_floor.behind, behind_floor = found_floor.behind_floor
  where c.queue = raise_floor.queue;
end
$$;
comment on function outbox.raise_floor(regclass) is 'Moves the floor up to what waits now, less the lag of the queue.';

revoke execute on function
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer),
  outbox.tenants_clause(regclass, text), outbox.raise_floor(regclass),
  outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz)
from public;
grant execute on function
  outbox.walk_statement(regclass, text), outbox.claim(text, integer, integer, interval, regclass, uuid[], integer[], integer),
  outbox.tenants_clause(regclass, text), outbox.raise_floor(regclass),
  outbox.find_floor(regclass, outbox.cursors, timestamptz, uuid[], timestamptz)
to app_background;
