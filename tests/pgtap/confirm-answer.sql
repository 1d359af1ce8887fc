-- What a confirmation does and answers, that it does it once, and the switch of its events.
begin;

\ir support/outbox.sql
\ir support/confirm.sql

create function pg_temp.confirm_as(subject text, booking text, holds text[], key text) returns jsonb language plpgsql
  as $$
declare
  answer jsonb;
begin
  perform pg_temp.become('authenticated', pg_temp.a());
  perform set_config('request.jwt.claims', json_build_object('activeRestaurantId', pg_temp.a(), 'sub', subject)::text,
                     true);
  execute pg_temp.call(booking, holds, key) into answer;
  perform set_config('role', 'none', true);
  return answer;
end
$$;

select plan(41);

select pg_temp.add_tables(pg_temp.a(), array['1', '2', '3', '4']), pg_temp.add_tables(pg_temp.b(), array['1', '2']);
select pg_temp.add_booking(pg_temp.a(), 'dinner'), pg_temp.add_hold(pg_temp.a(), 'h12', array['1', '2']),
       pg_temp.add_hold(pg_temp.a(), 'h3', array['3'], booking => 'dinner');

create temporary table said as
select pg_temp.confirm(pg_temp.a(), 'dinner', array['h12', 'h3'], 'key-1',
                       '{"source": "booking-page", "trace_id": "4bf92f35", "guest": "Ada Lovelace"}')::jsonb as answer;

select is(array(select k from jsonb_object_keys(answer) as k order by k),
          array['allocation_ids', 'assignment_ids', 'ledger_entries', 'outbox_events'], 'it answers with four lists')
            from said;
select is(
  (select array_agg(i::uuid order by i) from jsonb_array_elements_text(answer -> 'allocation_ids') as i),
  (select array_agg(i order by i::text)
     from unnest(array[pg_temp.id('h12 on 1'), pg_temp.id('h12 on 2'), pg_temp.id('h3 on 3')]) as i),
  'the allocations of the holds have become the booking''s in place'
) from said;
select is(
  pg_temp.tenant(pg_temp.a(),
                 format(
                     'select count(*) from public.allocations where booking_id = %L and hold_id is null and '
                     'released_at is null', pg_temp.id('dinner'))),
  '3', 'they are the booking''s and no hold''s'
);
select is(
  pg_temp.tenant(pg_temp.a(), format(
    $$ select count(*) from public.booking_table_assignments
        where booking_id = %L and idempotency_key = 'key-1' and booking_date = '2030-01-01'
         and starts_at = '2030-01-01 19:00Z' and ends_at = '2030-01-01 21:00Z' and %L::jsonb @> to_jsonb(id) $$,
             pg_temp.id('dinner'), answer -> 'assignment_ids')),
  '3', 'each table is assigned, and the answer names the assignments'
) from said;
select is(pg_temp.tenant(pg_temp.a(), $$ select string_agg(distinct status, ',') from public.table_holds $$),
          'confirmed', 'the holds are closed');
select is(
  pg_temp.tenant(pg_temp.a(),
                 format('select count(*) from public.table_holds where booking_id = %L', pg_temp.id('dinner'))),
                 '2', 'and say for which booking');
select is(
  pg_temp.tenant(pg_temp.a(), $$ select string_agg(distinct concat_ws(',', action, source, trace_id), ';')
                                   from public.allocation_ledger $$),
  'confirmed,booking-page,4bf92f35', 'the ledger has what it is to know of the context');
select is(pg_temp.job($$ select count(*) from public.allocation_ledger as l where l::text ~ 'Ada' $$), '0',
          'and nothing else of it');
select is(jsonb_array_length(answer -> 'ledger_entries'), 3, 'an entry for each table') from said;
select is(
  pg_temp.job(format(
    $$ select count(*)
         from jsonb_to_recordset(%L) as e (id bigint, action text, hold_id uuid, table_id uuid, allocation_id uuid,
                                           assignment_id uuid, event_id bigint)
       join public.allocation_ledger as l using (id, action, hold_id, table_id, allocation_id, assignment_id, event_id)
       join public.booking_table_assignments as s on s.id = l.assignment_id and s.table_id = l.table_id
       join public.allocations as a on a.id = l.allocation_id and a.table_id = l.table_id $$,
            answer -> 'ledger_entries')),
  '3', 'as it stands in the ledger') from said;
select is(
  pg_temp.tenant(pg_temp.a(), format(
    $$ select count(*) from jsonb_to_recordset(%L) as e (queue text, id bigint, event_type text, allocation_id uuid)
       join public.capacity_outbox as o on o.id = e.id and o.event_type = e.event_type
        and (o.payload ->> 'allocation_id')::uuid = e.allocation_id
         and o.status = 'pending' and o.idempotency_key = 'key-1' and o.dedupe_key = o.payload ->> 'table_id'
         and (o.payload ->> 'booking_id')::uuid = %L $$,
    answer -> 'outbox_events', pg_temp.id('dinner'))),
  '3', 'an event waits for each') from said;
select is(pg_temp.left_behind(), '3 3 1 3 2', 'and there is no more');

-- The same request again.
select is(pg_temp.confirm(pg_temp.a(), 'dinner', array['h12', 'h3'], 'key-1')::jsonb, answer,
          'the same key gives the same answer') from said;
select is(pg_temp.confirm(pg_temp.a(), 'dinner', array['h3', 'h12'], 'key-1', '{"trace_id": "another"}')::jsonb,
          answer, 'in whatever order the holds come, and from whichever attempt') from said;
select is(pg_temp.left_behind(), '3 3 1 3 2', 'nothing is done twice');
select is(pg_temp.job(format('update public.bookings set status = ''cancelled'', cancelled_at = now() where id = %L',
                             pg_temp.id('dinner'))), '1', 'even when the booking has gone');
select is(pg_temp.confirm(pg_temp.a(), 'dinner', array['h12', 'h3'], 'key-1')::jsonb, answer, 'it is the first answer')
  from said;

-- The same key for something else.
select pg_temp.add_booking(pg_temp.a(), 'late', 22), pg_temp.add_hold(pg_temp.a(), 'late-1', array['1'], 22);
select matches(pg_temp.refused(pg_temp.a(), 'late', array['late-1'], 'key-1'), '^PT422 \| idempotency_key_reused',
               'another request with the same key is an error');
select matches(pg_temp.refused(pg_temp.a(), 'dinner', array['h12'], 'key-1'), '^PT422 ',
               'fewer holds are another request');
select is(pg_temp.left_behind(), '3 3 1 3 2', 'which does nothing');
select matches(pg_temp.confirm(pg_temp.a(), 'late', array['late-1'], 'key-2'), '^\{',
               'with a key of its own it goes through');

-- Another tenant with the same key, and the same ids.
select pg_temp.add_booking(pg_temp.b(), 'dinner'), pg_temp.add_hold(pg_temp.b(), 'h12', array['1', '2']),
       pg_temp.add_hold(pg_temp.b(), 'h3', array[]::text[]);
create temporary table said_to_b as select pg_temp.confirm(pg_temp.b(), 'dinner', array['h12'], 'key-1')::jsonb
  as answer;
select is(jsonb_array_length(said_to_b.answer -> 'assignment_ids'), 2, 'another tenant uses the same key for itself')
  from said_to_b;
select isnt(said_to_b.answer -> 'assignment_ids', said.answer -> 'assignment_ids', 'and gets its own answer')
  from said, said_to_b;
select is(pg_temp.tenant(pg_temp.b(), 'select count(*) from public.allocation_ledger'), '2', 'its ledger is its own');
select is(pg_temp.tenant(pg_temp.b(), 'select count(*) from public.confirmations'), '1', 'and so are its answers');

-- Answers stand.
select is(pg_temp.tenant(pg_temp.a(), $$ update public.confirmations set answer = '{}' $$), '0',
          'a tenant changes no answer');
select is(pg_temp.tenant(pg_temp.a(), $$ delete from public.confirmations $$), '0', 'and forgets none');
select is(pg_temp.tenant(pg_temp.a(), $$ update public.allocation_ledger set actor = 'x' $$), '42501',
          'nor is the ledger rewritten');
select is(pg_temp.job($$ delete from public.allocation_ledger $$), '42501', 'by nobody');
select is(pg_temp.job($$ update public.confirmations set answer = '{}' $$), '0', 'a job changes no answer either');
select is(pg_temp.job($$ delete from public.confirmations where idempotency_key = 'key-1' $$), '2',
          'but forgets old ones');

-- A hold that has members and no allocations; a job that names a tenant; who did it.
select pg_temp.add_booking(pg_temp.a(), 'noon', 12),
       pg_temp.add_hold(pg_temp.a(), 'noon-34', array['3', '4'], 12, allocated => false);
create temporary table said_at_noon as select pg_temp.confirm_as('waiter-7', 'noon', array['noon-34'], 'key-3')
  as answer;
select is(jsonb_array_length(answer -> 'allocation_ids'), 2, 'tables without an allocation get one') from said_at_noon;
select is(pg_temp.job(format('select count(*) from public.allocations where booking_id = %L and hold_id is null',
                             pg_temp.id('noon'))), '2', 'for the booking');
select is(pg_temp.job($$ select concat_ws(' ', (select string_agg(distinct actor, ',') from public.allocation_ledger),
  (select string_agg(distinct assigned_by, ',') from public.booking_table_assignments)) $$), 'waiter-7 waiter-7',
  'the subject of the claims did it');
select isnt(current_setting('lock_timeout'), '2s', 'the time-out for locks was the call''s alone');

-- The switch.
select pg_temp.add_booking(pg_temp.a(), 'off', 8), pg_temp.add_hold(pg_temp.a(), 'off-1', array['1'], 8),
       pg_temp.add_booking(pg_temp.a(), 'on', 10), pg_temp.add_hold(pg_temp.a(), 'on-1', array['1'], 10);
select is(pg_temp.tenant(pg_temp.a(), format($$ insert into public.feature_flags (restaurant_id, key, enabled)
                                             values (%L, 'allocator.tx_outbox.enabled', false) $$, pg_temp.a())),
                                                    '1', 'switched off');
create temporary table said_without as select pg_temp.confirm(pg_temp.a(), 'off', array['off-1'], 'key-4')::jsonb
  as answer;
select is(answer -> 'outbox_events', '[]', 'there are no events') from said_without;
select is(jsonb_array_length(answer -> 'assignment_ids'), 1, 'but the guests sit') from said_without;
select is(answer -> 'ledger_entries' -> 0 -> 'event_id', 'null', 'and the ledger knows that nobody was told')
  from said_without;
select is(pg_temp.tenant(pg_temp.a(), $$ update public.feature_flags set enabled = true
                         where key = 'allocator.tx_outbox.enabled' $$), '1', 'switched on again');
select is(jsonb_array_length(pg_temp.confirm(pg_temp.a(), 'on', array['on-1'], 'key-5')::jsonb -> 'outbox_events'),
          1, 'there is one');

select * from finish();
rollback;
