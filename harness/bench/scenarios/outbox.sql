-- A queue of bench.rows events of 1,000 tenants, one of which has half of them, in schema bench under the name
-- bench.queue. With bench.design = plan it has the indexes of the plan, (status, next_attempt_at) and one for
-- duplicates without the tenant; else it is a registered queue.
do $$
declare
  queue constant text := format('bench.%I', current_setting('bench.queue'));
  rows constant bigint := current_setting('bench.rows');
  plan constant boolean := current_setting('bench.design') = 'plan';
begin
  create schema if not exists bench;
  grant usage on schema bench to authenticated, app_background;
  execute format('create table %s (like public.capacity_outbox including defaults including identity)', queue);
  -- The plan knows ids alone: a key that begins with the tenant would hide what its index lacks, for as long as a
  -- tenant has few rows.
  execute format('alter table %s add primary key (%s)', queue, case when plan then 'id' else 'restaurant_id, id' end);
  perform tenancy.protect(queue::regclass, 'restaurant_id');
  if not plan then
    perform outbox.register(queue::regclass);
  end if;
end
$$;

do $$
declare
  queue constant text := format('bench.%I', current_setting('bench.queue'));
begin
  -- Row security is forced, and binds the owner too.
  set local role app_background;
  perform tenancy.set_job('bench');
  insert into public.restaurants (id, name, time_zone, currency)
  select md5('tenant ' || t)::uuid, 'R', 'UTC', 'EUR' from generate_series(0, 999) as t
  on conflict do nothing;
  execute format(
    $sql$
      insert into %s (restaurant_id, event_type, payload, dedupe_key, next_attempt_at)
      select md5('tenant ' || case when n %% 2 = 0 then 0 else 1 + n / 2 %% 999 end)::uuid, 'capacity.taken',
             '{"table": 1}', n::text,
        now() - interval '1 day' + n * interval '1 ms'
      from generate_series(1, current_setting('bench.rows')::bigint) as n
    $sql$, queue);
  reset role;
end
$$;

do $$
declare
  queue constant text := format('bench.%I', current_setting('bench.queue'));
  statement text;
begin
  if current_setting('bench.design') = 'plan' then
    execute format('create index on %s (status, next_attempt_at)', queue);
    execute format(
      'create unique index on %s (event_type, coalesce(dedupe_key, ''''), coalesce(idempotency_key, '''')) where '
      'status in (''pending'', ''processing'')',
      queue);
  else
    for statement in select s.statement from outbox.index_statements(queue::regclass) as s loop
      -- Nobody else is here.
      execute replace(statement, ' concurrently', '');
    end loop;
  end if;
end
$$;
