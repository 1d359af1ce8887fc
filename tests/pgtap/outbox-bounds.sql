-- Whatever a tenant writes is harmless to everybody else: times that nothing can be taken from, texts that fit nowhere.
-- What gets in nevertheless, since somebody took the bounds away, stops no other event.
begin;

\ir support/outbox.sql

select plan(41);

-- By a raw INSERT.
create function pg_temp.raw(columns text, vals text) returns text
language sql
as $$ select pg_temp.tenant(pg_temp.a(),
                            format(
                                'insert into public.capacity_outbox (restaurant_id, idempotency_key, event_type, %s) '
                                'values (%L, gen_random_uuid()::text, ''e'', %s)', columns, pg_temp.a(), vals)) $$;
select is(pg_temp.raw(c, t), '23514', format('%s = %s is refused', c, t))
from unnest(array['next_attempt_at', 'created_at']) as c,
  unnest(array['''-infinity''', '''infinity''', '''4714-11-24 00:00:00+00 BC''', '''0001-01-01''',
               '''1999-12-31 23:59:59+00''', '''10000-01-01''', '''294276-12-31 23:59:59+00''']) as t;
select is(pg_temp.raw(c, t), '1', format('%s = %s is taken', c, t))
from unnest(array['next_attempt_at', 'created_at']) as c,
     unnest(array['''2000-01-01 00:00:00+00''', 'now()', '''9999-12-31 00:00:00+00''']) as t;
select is(pg_temp.raw('payload', $$ jsonb_build_object('x', repeat('x', 1048576)) $$), '23514',
          'a payload of more than a MiB is refused, however small it is on disk');
select is(pg_temp.raw('payload', $$ jsonb_build_object('x', repeat('x', 1048000)) $$), '1', 'one below is taken');
select is(pg_temp.raw('dedupe_key', $$ repeat('x', 1001) $$), '23514', 'a key of more than 1,000 bytes is refused');
select is(pg_temp.raw('dedupe_key', $$ (select string_agg(md5(n::text), '') from generate_series(1, 31) as n) $$),
          '1', 'one below fits into the index');
select is(pg_temp.tenant(pg_temp.a(), format('insert into public.capacity_outbox (restaurant_id, event_type) values '
                                             '(%L, repeat(''é'', 251))', pg_temp.a())), '23514',
                                             'a type of more than 500 bytes is refused');
select is(
  pg_temp.tenant(pg_temp.a(),
                 format($s$ insert into public.outbox (restaurant_id, destination, event_type, aggregate_type,
                                                       aggregate_id)
                                                         values (%L, 'email', 'e', repeat('x', 10001),
                                                                 gen_random_uuid()) $s$, pg_temp.a())),
  '23514', 'so is a column of the queue''s own that is too long');

-- By enqueue().
select is(pg_temp.tenant(pg_temp.a(), format('select outbox.enqueue(''x'', not_before => %L)', t)), '22008',
          format('not_before %s is refused by name', t))
from unnest(array['-infinity', 'infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59+00']) as t;
select isnt(pg_temp.tenant(pg_temp.a(), 'select outbox.enqueue(''x'', not_before => ''9999-12-31 00:00:00+00'')'),
            '22008', 'the last is taken');

-- The bounds taken away, as on a queue that was registered before there were any: 51 tenants with times before all
-- times.
savepoint unbound;
alter table public.capacity_outbox drop constraint outbox_times;
select pg_temp.job('delete from public.capacity_outbox');
select pg_temp.job($$ insert into public.restaurants (id, name, time_zone, currency) select md5('early ' || n)::uuid,
                   'R', 'UTC', 'EUR' from generate_series(1, 51) as n $$);
select pg_temp.job($$ insert into public.capacity_outbox (restaurant_id, event_type, idempotency_key, next_attempt_at,
                                                          created_at)
  select md5('early ' || n)::uuid, 'e', n::text,
         case n % 2 when 0 then '-infinity' else '4714-11-24 00:00:00+00 BC' end::timestamptz, '294276-12-31'
           from generate_series(1, 51) as n $$);
select pg_temp.backlog(pg_temp.b(), 1);
select is(pg_temp.job('select late from outbox.sweep()'), 'false', 'the sweep finds its floor');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select is(pg_temp.job('select count(*) from outbox.claim(''w'', 100)'), '52', 'and claims find all of them');
select throws_ok($$ select outbox.register('public.capacity_outbox', keyless_once => true) $$, '23514', null,
                 'with them there the bounds cannot come back');
select pg_temp.job('delete from public.capacity_outbox');
select lives_ok($$ select outbox.register('public.capacity_outbox', keyless_once => true) $$, 'without them they can');
select is(pg_temp.raw('next_attempt_at', '''-infinity'''), '23514', 'and hold');
rollback to savepoint unbound;

-- Rows that cannot be changed: a constraint that came later and was not validated.
select pg_temp.job('delete from public.capacity_outbox');
select pg_temp.backlog(pg_temp.a(), 3);
select pg_temp.backlog(pg_temp.b(), 3);
select pg_temp.job($$ update public.capacity_outbox set payload = '{"bad": true}'
                   where id in (select min(id) from public.capacity_outbox group by restaurant_id) $$);
alter table public.capacity_outbox add constraint no_bad check (not payload ? 'bad') not valid;
set local client_min_messages = error;
select is(pg_temp.claimed(1), 'aaaa: 1', 'a claim leases what is behind a row that it cannot lease');
select is(pg_temp.claimed(10), 'aaaa: 1, bbbb: 2', 'and all that there is');
alter table public.capacity_outbox drop constraint no_bad;
select is(pg_temp.claimed(10), 'aaaa: 1, bbbb: 1', 'the others wait until they can be');
select pg_temp.job('update public.capacity_outbox set locked_until = clock_timestamp() - interval ''1 second''');
alter table public.capacity_outbox add constraint no_bad check (not payload ? 'bad') not valid;
select is(pg_temp.job('select returned from outbox.sweep(1)'), '1',
          'a sweep gives back what is behind one that it cannot');
select is(pg_temp.job('select returned from outbox.sweep()'), '3', 'and all that there is');

select * from finish();
rollback;
