-- Claims look at nothing below the floor; it never passes what waits; what comes in below it is found by a sweep.
begin;

\ir support/outbox.sql

create function pg_temp.floor(expression text) returns boolean
language sql
as $$ select pg_temp.job(format('select %s from outbox.cursors where queue = ''public.capacity_outbox''::regclass',
                                expression))::boolean $$;

-- Long, so that nothing here depends on how fast the test runs.
update outbox.queues set lag = '1 minute';

select plan(24);

select ok(pg_temp.floor('floor = ''-infinity'''), 'to begin with there is no floor');
select pg_temp.backlog(pg_temp.a(), 1, '3 hours');
select pg_temp.backlog(pg_temp.b(), 1, '2 hours');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select ok(
    pg_temp.floor(
        'floor between clock_timestamp() - interval ''62 seconds'' and clock_timestamp() - interval ''59 seconds'''),
        'it follows the clock, less the lag');
select ok(
  pg_temp.floor(
      format(
          'behind = array[%L, %L]::uuid[] and behind_floor between clock_timestamp() - interval ''3 hours 1 minute'' '
          'and clock_timestamp() - interval ''3 hours''', pg_temp.a(), pg_temp.b())),
  'a few tenants may be behind it');
select is(pg_temp.claimed(10), 'aaaa: 1, bbbb: 1', 'whose events claims find');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select ok(
    pg_temp.floor(
        'behind = ''{}'' and floor between clock_timestamp() - interval ''62 seconds'' and clock_timestamp() - '
        'interval ''59 seconds'''), 'with nothing waiting nobody is behind');

-- Where many are, they hold it down.
savepoint many;
select pg_temp.job($$ insert into public.restaurants (id, name, time_zone, currency) select md5(n::text)::uuid,
                   'R', 'UTC', 'EUR' from generate_series(1, 60) as n $$);
select pg_temp.backlog(md5(n::text)::uuid::text, 1, n * interval '1 hour') from generate_series(1, 60) as n;
select pg_temp.job('select outbox.sweep()');
select ok(
  pg_temp.floor(
      'cardinality(behind) = 50 and floor between clock_timestamp() - interval ''10 hours 2 minutes'' and '
      'clock_timestamp() - interval ''10 hours 59 seconds'''),
  'of sixty tenants with a backlog fifty are behind the floor');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select is(pg_temp.job('select count(*) from outbox.claim(''w'', 100)'), '60', 'and claims find them all');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select ok(pg_temp.floor('behind = ''{}'' and floor > clock_timestamp() - interval ''62 seconds'''),
          'then it rises again');
rollback to savepoint many;

-- Two tenants commit late, with times from before.
select pg_temp.backlog(pg_temp.a(), 2, '1 hour');
select pg_temp.backlog(pg_temp.b(), 1, '30 seconds');
select is(pg_temp.claimed(10), 'bbbb: 1', 'a claim does not see what came in below the floor');
select is(pg_temp.job('select late from outbox.sweep()'), 'true', 'a sweep does');
select is(pg_temp.claimed(10), 'aaaa: 2', 'and the next claim gets it');
select is(pg_temp.job('select late from outbox.sweep()'), 'false',
          'the sweep after that has nothing to lower the floor for');
select ok(pg_temp.floor('floor > clock_timestamp() - interval ''2 minutes'' and swept_at is not null'),
          'and raises it again');

-- An event of the far future does not take the floor with it.
select pg_temp.backlog(pg_temp.a(), 1, '-1 year');
select pg_temp.job('select outbox.raise_floor(''public.capacity_outbox'')');
select ok(pg_temp.floor('floor < clock_timestamp()'), 'the floor stays behind the clock');

-- What goes back to waiting goes back above the floor: no sweep needed.
select pg_temp.job('delete from public.capacity_outbox where status = ''pending''');
select pg_temp.job('update public.capacity_outbox set locked_until = clock_timestamp() - interval ''1 second''');
select is(pg_temp.job('select returned > 0 from outbox.sweep()'), 'true', 'leases end');
select is(pg_temp.claimed(1), 'bbbb: 1', 'and those events are claimed');

-- The server's clock is set back by an hour: the floor is in what is the future now, and so is what was to be tried
-- again.
select pg_temp.job('delete from public.capacity_outbox');
select pg_temp.job(
    'update outbox.cursors set floor = clock_timestamp() + interval ''1 hour'', behind = ''{}'', behind_floor = '
    'clock_timestamp() + interval ''1 hour''');
select pg_temp.backlog(pg_temp.a(), 1);
select is(pg_temp.claimed(1), null, 'after the clock was set back, claims find nothing that is new');
select is(pg_temp.job('select late from outbox.sweep()'), 'true', 'until a sweep has lowered the floor');
select is(pg_temp.claimed(1), 'aaaa: 1', 'then they do');
-- It is set forward: all leases have ended, of workers that are alive.
select pg_temp.job('update public.capacity_outbox set locked_until = clock_timestamp() - interval ''1 hour''');
select is(pg_temp.job('select returned from outbox.sweep()'), '1', 'after it was set forward, leases have ended');
select is(pg_temp.job('select concat(status, attempts) from public.capacity_outbox'), 'pending0',
          'which costs no attempt, though it may be delivered again');

-- Every fiftieth claim.
select pg_temp.job('update outbox.cursors set claims = 49, floor = ''-infinity''');
select pg_temp.backlog(pg_temp.a(), 1, '1 minute');
select isnt(pg_temp.claimed(1), null, 'the fiftieth claim');
select ok(pg_temp.floor('claims = 50 and floor > ''-infinity'''), 'raises the floor');
select is(pg_temp.outcome('authenticated', pg_temp.a(), 'select outbox.raise_floor(''public.capacity_outbox'')'),
          '42501', 'tenants do not');

select * from finish();
rollback;
