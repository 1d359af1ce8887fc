-- The state of one queue as one JSON document. As a background job, in psql:
--   begin read only; set local role app_background; select tenancy.set_job('look');
--   \set queue public.capacity_outbox
--   \set top 10
--   \i harness/outbox/status.sql
with pending as materialized (
  select q.restaurant_id, q.attempts, count(*) as events,
         count(*) filter (where q.next_attempt_at <= clock_timestamp()) as due,
         min(q.next_attempt_at) as earliest
    from :queue as q
   where q.status = 'pending'
   group by q.restaurant_id, q.attempts
),
by_tenant as (
  select p.restaurant_id, sum(p.events)::bigint as events, sum(p.due)::bigint as due, min(p.earliest) as earliest
    from pending as p
   group by p.restaurant_id
),
leases as (
  select count(*) as leased, count(*) filter (where q.locked_until < clock_timestamp()) as expired,
         min(q.locked_until) as earliest_end, count(distinct q.locked_by) as workers
    from :queue as q
   where q.status = 'processing'
),
dead as (
  select coalesce(q.dead_reason, 'unknown') as reason, count(*) as events, max(q.finished_at) as latest
    from :queue as q
   where q.status = 'dead'
   group by 1
)
select json_build_object(
  'queue', :'queue',
  'pending', coalesce((select sum(events) from by_tenant), 0),
  'due', coalesce((select sum(due) from by_tenant), 0),
  'tenants', (select count(*) from by_tenant),
  -- How late the latest is, not how long ago it was added: what is tried again later is not late.
  'oldestDueSeconds', (select extract(epoch from clock_timestamp() - min(greatest(earliest, '2000-01-01')))
                         from by_tenant where earliest <= clock_timestamp()),
  'backlog', coalesce((
    select json_agg(json_build_object(
             'tenant', b.restaurant_id, 'events', b.events, 'due', b.due,
             'oldestDueSeconds',
             case when b.earliest <= clock_timestamp()
                  then extract(epoch from clock_timestamp() - greatest(b.earliest, '2000-01-01')) end)
           order by b.due desc, b.events desc, b.restaurant_id)
      from (select * from by_tenant order by due desc, events desc, restaurant_id limit :top) as b), '[]'),
  'retries', coalesce((
    select json_agg(json_build_object('attempts', r.attempts, 'events', r.events) order by r.attempts)
      from (select p.attempts, sum(p.events)::bigint as events from pending as p group by p.attempts) as r), '[]'),
  'leased', (select leased from leases),
  'workers', (select workers from leases),
  'expiredLeases', (select expired from leases),
  'dead', coalesce((select sum(events) from dead), 0),
  'deadReasons', coalesce((select json_object_agg(d.reason, d.events order by d.reason) from dead as d), '{}'),
  -- Who dispatches, and whom they leave alone. They report every twenty seconds.
  'dispatchers', (
    select count(*) from outbox.workers as w
     where w.queue = :'queue'::regclass and w.seen_at > clock_timestamp() - interval '1 minute'),
  'leftAlone', coalesce((
    select json_agg(json_build_object('tenant', a.tenant, 'failures', a.failures, 'seconds', a.seconds, 'dispatchers',
                                      a.dispatchers)
           order by a.failures desc, a.tenant)
      from (
        select c.key as tenant, max((c.value ->> 'failures')::integer) as failures, count(*) as dispatchers,
               max(greatest(0,
                            (c.value ->> 'seconds')::float8 - extract(
                                epoch from clock_timestamp() - w.seen_at)))::integer as seconds
          from outbox.workers as w cross join jsonb_each(w.circuits) as c
         where w.queue = :'queue'::regclass and w.seen_at > clock_timestamp() - interval '1 minute'
         group by c.key) as a), '[]'),
  'floorAgeSeconds', (select case when isfinite(c.floor) then extract(epoch from clock_timestamp() - c.floor) end
                        from outbox.cursors as c where c.queue = :'queue'::regclass),
  'tenantsBehind', (select cardinality(c.behind) from outbox.cursors as c where c.queue = :'queue'::regclass),
  'sweptSecondsAgo', (select extract(epoch from clock_timestamp() - c.swept_at) from outbox.cursors as c
                       where c.queue = :'queue'::regclass),
  'deadTuples', (select s.n_dead_tup from pg_catalog.pg_stat_user_tables as s where s.relid = :'queue'::regclass),
  'liveTuples', (select s.n_live_tup from pg_catalog.pg_stat_user_tables as s where s.relid = :'queue'::regclass),
  'indexes', (
    select json_agg(json_build_object(
             'name', w.name,
             'state',
             case when i.indexrelid is null then 'missing' when not i.indisvalid then 'invalid' else 'valid' end,
             'bytes', pg_catalog.pg_relation_size(i.indexrelid)) order by w.name)
      from outbox.index_statements(:'queue') as w
      left join pg_catalog.pg_class as c
        on c.relname = w.name
       and c.relnamespace = (select t.relnamespace from pg_catalog.pg_class as t where t.oid = :'queue'::regclass)
      left join pg_catalog.pg_index as i on i.indexrelid = c.oid)
) as status
