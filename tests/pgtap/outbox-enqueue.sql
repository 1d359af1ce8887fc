-- A tenant adds events of its own and sees no others; the same event waits once in a tenant, and what others have makes
-- no difference.
begin;

\ir support/outbox.sql

create function pg_temp.add(tenant text, arguments text) returns text
language sql
as $$ select pg_temp.tenant(tenant, format('select outbox.enqueue(%s)', arguments)) $$;

select plan(39);

create temporary table added as select pg_temp.add(pg_temp.a(), $$ 'capacity.taken', '{"table": 1}', 'table-1',
                                                   'request-1' $$) as id;
select matches(id, '^\d+$', 'a tenant adds an event') from added;
select is(
  pg_temp.tenant(pg_temp.a(),
                 'select concat_ws('','', event_type, payload, dedupe_key, idempotency_key, status, attempts) from '
                 'public.capacity_outbox'),
  'capacity.taken,{"table": 1},table-1,request-1,pending,0', 'and sees it'
);
select is(pg_temp.tenant(pg_temp.b(), 'select count(*) from public.capacity_outbox'), '0', 'nobody else does');
select is(pg_temp.outcome('app_background', null, 'select count(*) from public.capacity_outbox'), '1', 'but a job');
select is(pg_temp.outcome('anonymous', pg_temp.a(), $$ select outbox.enqueue('e') $$), '42501',
          'anonymous adds nothing');
select is(pg_temp.add(null, $$ 'e' $$), '28000', 'without a tenant there is nothing to add to');
select is(pg_temp.add(pg_temp.a(), format($$ 'e', tenant => %L $$, pg_temp.b())), '42501',
          'a tenant adds no event to another');
select matches(pg_temp.job(format($$ select outbox.enqueue('e', tenant => %L) $$, pg_temp.b())), '^\d+$',
               'a job names the tenant');
select is(pg_temp.job($$ select outbox.enqueue('e') $$), '23502', 'and has to');

-- The same event.
select is(pg_temp.add(pg_temp.a(), $$ 'capacity.taken', '{"table": 1}', 'table-1', 'request-1' $$), id,
          'the same event is the one that waits') from added;
select isnt(pg_temp.add(pg_temp.a(), $$ 'capacity.taken', '{}', 'table-1', 'request-2' $$), id,
            'another request is another event') from added;
select isnt(pg_temp.add(pg_temp.a(), $$ 'capacity.freed', '{}', 'table-1', 'request-1' $$), id, 'another type too')
  from added;
select isnt(pg_temp.add(pg_temp.a(), $$ 'capacity.taken', '{}', 'table-1' $$), id, 'and one without the second key')
  from added;
select is(pg_temp.add(pg_temp.a(), $$ 'k', '{}', 'x' $$), pg_temp.add(pg_temp.a(), $$ 'k', '{}', 'x' $$),
          'a key that is not there is like another that is not there');
select is(pg_temp.add(pg_temp.a(), $$ 'k', '{}', 'y' $$), pg_temp.add(pg_temp.a(), $$ 'k', '{}', 'y', '' $$),
          'and like an empty one');
select isnt(pg_temp.add(pg_temp.a(), $$ 'keyless' $$), pg_temp.add(pg_temp.a(), $$ 'keyless' $$),
            'events without keys are never the same');
select matches(pg_temp.add(pg_temp.b(), $$ 'capacity.taken', '{"table": 1}', 'table-1', 'request-1' $$), '^\d+$',
               'another tenant may have an event with the same keys');
select isnt(pg_temp.add(pg_temp.b(), $$ 'capacity.taken', '{"table": 1}', 'table-1', 'request-1' $$), id,
            'and gets its own id for it') from added;
select is(pg_temp.tenant(pg_temp.a(), $$ select count(*) from public.capacity_outbox
                                          where dedupe_key = 'table-1' and event_type = 'capacity.taken' $$),
                                                '3', 'of each there is one');

-- Without the function the index refuses.
select is(pg_temp.tenant(pg_temp.a(),
                         format($$ insert into public.capacity_outbox (restaurant_id, event_type, dedupe_key,
                                                                       idempotency_key)
                                                                         values (%L, 'capacity.taken', 'table-1',
                                                                             'request-1') $$, pg_temp.a())), '23505',
                                                                             'the index refuses the same event');
select is(pg_temp.tenant(pg_temp.a(), format($$ insert into public.capacity_outbox (restaurant_id, event_type)
                                             values (%1$L, 'bare') $$, pg_temp.a())), '1',
                                                    'an event without keys is taken once');
select is(pg_temp.tenant(pg_temp.a(), format($$ insert into public.capacity_outbox (restaurant_id, event_type)
                                             values (%1$L, 'bare') $$, pg_temp.a())), '23505',
                                                    'and not twice: NULL is like NULL');
select is(pg_temp.tenant(pg_temp.b(), format($$ insert into public.capacity_outbox (restaurant_id, event_type)
                                             values (%1$L, 'bare') $$, pg_temp.b())), '1',
                                                    'another tenant cannot tell');
select is(
  pg_temp.job(format($$ insert into public.outbox (restaurant_id, destination, event_type, aggregate_type,
                                                   aggregate_id) select %L, 'email', 'booking.confirmed', 'booking',
                                                   gen_random_uuid() from generate_series(1, 2) $$, pg_temp.a())),
  '2', 'messages without keys are all sent'
);

-- Finished ones make room.
select is(pg_temp.job(format($$ update public.capacity_outbox set status = 'done', finished_at = now()
                             where id = %s $$, id)), '1', 'once it is done') from added;
select isnt(pg_temp.add(pg_temp.a(), $$ 'capacity.taken', '{"table": 1}', 'table-1', 'request-1' $$), id,
            'the same event may come again') from added;

-- What a tenant may not do to its own.
select is(pg_temp.tenant(pg_temp.a(), $$ update public.capacity_outbox set status = 'done', finished_at = now() $$),
          '0', 'a tenant settles nothing');
select is(pg_temp.tenant(pg_temp.a(), $$ delete from public.capacity_outbox $$), '0', 'and deletes nothing');
select is(
  pg_temp.tenant(pg_temp.a(),
                 format(
                     'insert into public.capacity_outbox (restaurant_id, event_type, %s) values (%L, ''forged'', %s)',
                     column_name, pg_temp.a(), value)),
  '42501', format('no event comes with %s = %s', column_name, value)
) from (values ('status', '''processing'''), ('attempts', '1'), ('lease_token', '7'), ('locked_until', 'now()'),
        ('max_attempts', '1000'), ('lost_leases', '1'), ('last_error', '''x'''),
        ('dead_reason', '''x''')) as forged (column_name, value);

-- Other queues, and what is none.
select matches(
  pg_temp.add(pg_temp.a(), $$ 'booking.confirmed', '{}',
              attributes => '{"destination": "email", "aggregate_type": "booking", "aggregate_id": '
                            '"11111111-1111-4111-8111-111111111111"}', queue => 'public.outbox' $$),
  '^\d+$', 'messages go by the same function, with what they have besides');
select is(pg_temp.add(pg_temp.a(), $$ 'e', attributes => '{"status": "dead"}', queue => 'public.outbox' $$), '42703',
          'but nothing that is not an attribute');
select is(pg_temp.add(pg_temp.a(), $$ 'e', queue => 'public.bookings' $$), '42704',
          'no table gets in that is no queue');

select * from finish();
rollback;
