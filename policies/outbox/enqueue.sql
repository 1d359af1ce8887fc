-- Call this in the transaction that makes the change, so that the event and the change commit together.
create or replace function outbox.enqueue(
  event_type text,
  payload jsonb default '{}',
  dedupe_key text default null,
  idempotency_key text default null,
  not_before timestamptz default null,
  attributes jsonb default '{}',
  tenant uuid default null,
  queue regclass default 'public.capacity_outbox'
) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  whose constant pg_catalog.uuid := coalesce(tenant, public.require_restaurant_context());
  -- An event that names no key is nobody's duplicate.
  own_key constant pg_catalog.text := coalesce(dedupe_key, case when idempotency_key is null then gen_random_uuid()::pg_catalog.text end);
  unknown constant pg_catalog.text := (select string_agg(k, ', ') from jsonb_object_keys(attributes) as k where k <> all (known.attributes));
  extra_columns constant pg_catalog.text := coalesce((select string_agg(format(', %I', a), '') from unnest(known.attributes) as a), '');
  extra_values constant pg_catalog.text := coalesce((select string_agg(format(', r.%I', a), '') from unnest(known.attributes) as a), '');
  event_id pg_catalog.int8;
begin
  if unknown is not null then
    raise undefined_column using
      message = format('events of %s have no attribute %s', queue, unknown),
      hint = format('They have: %s.', coalesce(nullif(array_to_string(known.attributes, ', '), ''), 'none'));
  end if;
  if not coalesce(not_before between '2000-01-01 00:00:00+00' and '9999-12-31 00:00:00+00', true) then
    raise datetime_field_overflow using
      message = format('not_before is %s', not_before), hint = 'Give a time between the years 2000 and 9999, or none for at once.';
  end if;
  for attempt in 1 .. 10 loop
    execute format(
      $sql$
        insert into %1$s (restaurant_id, event_type, payload, dedupe_key, idempotency_key, next_attempt_at%2$s)
        select $1, $2, $3, $4, $5, coalesce($6, now())%3$s from jsonb_populate_record(null::%1$s, $7) as r
        on conflict do nothing
        returning id
      $sql$, queue, extra_columns, extra_values)
    into event_id
    using whose, event_type, coalesce(payload, '{}'), own_key, idempotency_key, not_before, coalesce(attributes, '{}');
    exit when event_id is not null;
    execute format(
      $sql$
        select q.id from %1$s as q
        where q.restaurant_id = $1 and q.event_type = $2 and coalesce(q.dedupe_key, '') = coalesce($3, '')
          and coalesce(q.idempotency_key, '') = coalesce($4, '') and q.status in ('pending', 'processing')
      $sql$, queue)
    into event_id using whose, event_type, own_key, idempotency_key;
    -- Between the two statements it may have been finished: then there is room for a new one.
    exit when event_id is not null;
  end loop;
  if event_id is null then
    raise serialization_failure using message = 'the same event was added and finished again and again', hint = 'Repeat the transaction.';
  end if;
  return event_id;
end
$$;
comment on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) is
  'Adds an event of the tenant in the context and returns its id; if one with the same type and keys waits already, or is being sent, '
  'its id. tenant: for background jobs, which have no context. not_before: no attempt earlier than that. attributes: the columns that '
  'this queue has of its own, such as {"destination": "email"}.';

revoke execute on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) from public;
grant execute on function outbox.enqueue(text, jsonb, text, text, timestamptz, jsonb, uuid, regclass) to authenticated, app_background;
