-- Claims: only by a named job, fair, each event once; what was leased is settled by whoever has the latest token.
begin;

\ir support/outbox.sql

-- What one claim got, to settle it by.
create temporary table leased (tenant uuid, id bigint, token bigint, attempt integer);
grant all on leased to app_background;
create function pg_temp.lease(max_events integer default 1, worker text default 'w') returns bigint
language sql
as $$ select pg_temp.job(
    format(
        'with c as (select * from outbox.claim(%L, %s)), kept as (insert into leased select tenant, id, token, attempt '
        'from c returning 1) select count(*) from kept', worker, max_events))::bigint $$;
create function pg_temp.arrays() returns text
language sql
as $$ select format('%L, %L, %L', array_agg(tenant), array_agg(id), array_agg(token)) from leased $$;
create function pg_temp.expire() returns void
language sql
as $$ select pg_temp.job(
    'update public.capacity_outbox set locked_until = clock_timestamp() - interval ''1 second'' where status = '
    '''processing''') $$;

select plan(81);

-- Who may.
select is(pg_temp.outcome(r, pg_temp.a(), s), '42501', format('%s: no %s', r, s))
from unnest(array['authenticated', 'anonymous']) as r, unnest(array[
  'select outbox.claim(''w'')', 'select outbox.ack(''{}'', ''{}'', ''{}'')',
  'select outbox.extend(''{}'', ''{}'', ''{}'')',
  format('select outbox.fail(%L, 1, 1, ''e'')', pg_temp.a()), 'select outbox.replay()', 'select outbox.sweep()',
  'select count(*) from outbox.cursors'
]) as s;
set local role app_background;
set local app.job = '';
select throws_ok('select outbox.claim(''w'')', '42501', 'this is for a background job',
                 'nor app_background without a job');
select throws_ok('select outbox.sweep()', '42501', 'this is for a background job', 'which sweeps nothing either');
select is_empty('select from outbox.cursors', 'and sees no cursor');
reset role;
select is(pg_temp.job($$ select outbox.claim(null) $$), '22023', 'a claim wants a worker');
select is(pg_temp.job($$ select outbox.claim('w', 0) $$), '22023', 'and at least one event to go for');
select is(pg_temp.job($$ select outbox.claim('w', lease => '-1 second') $$), '22023',
          'and a lease that is none already');
select is(pg_temp.job($$ select outbox.claim('w', queue => 'public.bookings') $$), '42704', 'and a queue');

-- Fairness.
select is(pg_temp.claimed(10), null, 'there is nothing to begin with');
select pg_temp.backlog(pg_temp.a(), 20);
select pg_temp.backlog(pg_temp.b(), 3);
select is(pg_temp.claimed(2), 'aaaa: 1, bbbb: 1', 'one each');
select is(pg_temp.claimed(1), 'aaaa: 1', 'the next begins after the last');
select is(pg_temp.claimed(1), 'bbbb: 1', 'and goes on');
select is(pg_temp.claimed(6), 'aaaa: 5, bbbb: 1', 'who has more fills up the batch');
select is(pg_temp.claimed(4, 2), 'aaaa: 4', 'alone it gets all');
select is(pg_temp.claimed(100), 'aaaa: 9', 'down to the last');
select is(pg_temp.claimed(100), null, 'and nothing twice');
select is(
    pg_temp.job(
        'select string_agg(distinct concat(status, attempts, lease_token, locked_by, locked_until > clock_timestamp() '
        '+ interval ''50 seconds''), '','') from public.capacity_outbox'), 'processing01wt',
        'what was claimed is leased, which is no attempt yet');
select pg_temp.job('delete from public.capacity_outbox');

-- A tenant whose id is as low as can be has its turn.
select pg_temp.job($$ insert into public.restaurants (id, name, time_zone, currency)
                   values ('00000000-0000-0000-0000-000000000000', 'Nil', 'UTC', 'EUR'),
                          ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'Last', 'UTC', 'EUR') $$);
select pg_temp.backlog('00000000-0000-0000-0000-000000000000', 1);
select pg_temp.backlog('ffffffff-ffff-ffff-ffff-ffffffffffff', 1);
select is(pg_temp.claimed(10), '0000: 1, ffff: 1', 'the first tenant and the last have their turn');
select pg_temp.job('delete from public.capacity_outbox');

-- Not before its time.
select pg_temp.backlog(pg_temp.a(), 1, '-1 hour');
select is(pg_temp.claimed(10), null, 'nothing is claimed before its time');
select pg_temp.job('delete from public.capacity_outbox');

-- Acknowledge.
select pg_temp.backlog(pg_temp.a(), 2);
select is(pg_temp.lease(2), 2::bigint, 'two are leased');
select is(
    pg_temp.job(format('select count(*) from outbox.ack(%s)',
                       (select format('%L, %L, %L', array_agg(tenant), array_agg(id), array_agg(token + 1))
                          from leased))), '0', 'a token that is not theirs acknowledges nothing');
select is(
    pg_temp.job(format('select count(*) from outbox.ack(%s)',
                       (select format('%L, %L, %L', array_agg(pg_temp.b()), array_agg(id), array_agg(token))
                          from leased))), '0', 'nor does another tenant');
select is(pg_temp.job(format('select count(*) from outbox.ack(%s)', pg_temp.arrays())), '2', 'theirs does');
select is(pg_temp.job(format('select count(*) from outbox.ack(%s)', pg_temp.arrays())), '0', 'once');
select is(
    pg_temp.job(
        'select string_agg(distinct concat(status, finished_at is not null, locked_by, locked_until), '','') from '
        'public.capacity_outbox'), 'donet', 'they are done');
delete from leased;
select pg_temp.job('delete from public.capacity_outbox');

-- A lease that ends.
select pg_temp.backlog(pg_temp.a(), 1);
select pg_temp.lease(1, 'slow');
select is(pg_temp.job('select returned from outbox.sweep()'), '0', 'a sweep leaves a lease alone');
select pg_temp.expire();
select is(pg_temp.job('select count(*) from outbox.ack(' || pg_temp.arrays() || ')'), '1',
          'after its end whoever had it may still say that it is done, if nobody else has it');
select pg_temp.job(
    'update public.capacity_outbox set status = ''processing'', finished_at = null, locked_until = clock_timestamp() - '
    'interval ''1 second'', locked_by = ''slow''');
select is(pg_temp.job('select returned from outbox.sweep()'), '1', 'a sweep gives it back');
select is(pg_temp.job('select concat(status, '' '', last_error) from public.capacity_outbox'),
          'pending the lease of slow expired', 'and says whose it was');
select is(pg_temp.job(format('select count(*) from outbox.ack(%s)', pg_temp.arrays())), '0', 'now it is too late');
create temporary table stale as select pg_temp.arrays() as arrays, * from leased;
delete from leased;
select is(pg_temp.lease(1, 'next'), 1::bigint, 'the next worker claims it');
select is((select leased.token > stale.token from leased, stale), true, 'under a higher token');
select is(pg_temp.job(format('select count(*) from outbox.ack(%s)', arrays)), '0', 'the old one acknowledges nothing')
  from stale;
select is(pg_temp.job(format('select count(*) from outbox.extend(%s)', arrays)), '0', 'extends nothing') from stale;
select is(pg_temp.job(format('select count(*) from outbox.release(%s)', arrays)), '0', 'releases nothing') from stale;
select is(pg_temp.job(format('select outbox.fail(%L, %s, %s, ''late'')', tenant, id, token)), null, 'fails nothing')
  from stale;
select is(pg_temp.job(format('select count(*) from outbox.extend(%s, ''1 hour'')', pg_temp.arrays())), '1',
          'the new one extends it');
select is(pg_temp.job('select locked_until > clock_timestamp() + interval ''59 minutes'' from public.capacity_outbox'),
          'true', 'by the server''s clock');
select is(pg_temp.job(format('select count(*) from outbox.release(%s)', pg_temp.arrays())), '1',
          'and may give it back');
select is(pg_temp.job('select concat(status, attempts, locked_by) from public.capacity_outbox'), 'pending1',
          'which was no attempt');
select pg_temp.job('delete from public.capacity_outbox');
delete from leased;

-- Poison: what kills its worker each time.
select pg_temp.backlog(pg_temp.a(), 1);
select pg_temp.job('update public.capacity_outbox set max_attempts = 2');
-- The first time it may have been another event's fault.
select pg_temp.lease(), pg_temp.expire(), pg_temp.job('select outbox.sweep()');
select is(pg_temp.job('select concat_ws('' '', status, attempts, lost_leases) from public.capacity_outbox'),
          'pending 0 1', 'the first lease that ends at work is no attempt');
select pg_temp.lease(), pg_temp.expire(), pg_temp.job('select outbox.sweep()');
select is(pg_temp.job('select concat_ws('' '', status, attempts, lost_leases) from public.capacity_outbox'),
          'pending 1 2', 'the second is');
select pg_temp.job('update public.capacity_outbox set next_attempt_at = clock_timestamp()');
select pg_temp.lease(), pg_temp.expire();
select is(pg_temp.job('select concat(returned, buried) from outbox.sweep()'), '01',
          'at its last attempt a lease that ends buries the event');
select is(pg_temp.job('select concat_ws('' '', status, attempts, dead_reason) from public.capacity_outbox'),
          'dead 2 lease_expired', 'with the reason');

-- However many attempts it has: the sixth lease in a row that ends at work.
select pg_temp.job('delete from public.capacity_outbox');
select pg_temp.backlog(pg_temp.a(), 1);
select pg_temp.job('update public.capacity_outbox set max_attempts = 100, lost_leases = 5');
select pg_temp.lease(), pg_temp.expire();
select is(pg_temp.job('select concat(returned, buried) from outbox.sweep()'), '01',
          'the sixth lease in a row that ends so buries it');
select pg_temp.job('select outbox.replay()');
select is(pg_temp.job('select concat_ws('' '', status, attempts, lost_leases) from public.capacity_outbox'),
          'pending 0 0', 'replayed, it begins anew');
select pg_temp.lease(), pg_temp.expire(), pg_temp.job('select outbox.sweep()');
delete from leased;
select pg_temp.lease();
select is(pg_temp.job(format('select outbox.fail(%L, %s, %s, ''no'', retry_after => ''0'')', tenant, id, token)),
          'pending', 'a failure after a lost lease') from leased;
select is(pg_temp.job('select concat_ws('' '', attempts, lost_leases) from public.capacity_outbox'), '1 0',
          'is an attempt, and ends the row');
select is(pg_temp.job(format('select outbox.fail(%L, %s, %s, ''no'')', tenant, id, token)), null, 'of nobody any more')
  from leased;
select pg_temp.job('delete from public.capacity_outbox');
delete from leased;

-- A worker that says what it begins: only that was at work when it died.
select pg_temp.backlog(pg_temp.a(), 3);
select pg_temp.job('select outbox.report(''w'')');
select is(pg_temp.lease(3), 3::bigint, 'three are leased');
create temporary table first as select * from leased order by id limit 1;
grant select on first to app_background;
select pg_temp.job('select outbox.start(''w'', array[tenant], array[id], array[token]) from first');
select pg_temp.expire();
select is(pg_temp.job('select concat(returned, buried) from outbox.sweep()'), '30', 'all come back');
select is(
  pg_temp.job(
      'select string_agg(concat(q.attempts, q.lost_leases, f.id is not null, q.last_error), '', '' order by q.id) from '
      'public.capacity_outbox as q left join first as f using (id)'),
  '01tthe lease of w expired, 00f, 00f', 'and what was not begun is as it was');
delete from leased;
select pg_temp.lease(3);
select pg_temp.job(
    'select outbox.report(''w'', array_agg(tenant), array_agg(id), array_agg(token)) from leased where id = (select id '
    'from first)');
select pg_temp.expire(), pg_temp.job('select outbox.sweep()');
select is(
    pg_temp.job('select string_agg(concat(attempts, lost_leases), '', '' order by id) from public.capacity_outbox'),
    '12, 00, 00', 'begun again, it lost an attempt');
select pg_temp.job('update public.capacity_outbox set next_attempt_at = clock_timestamp()');
delete from leased;
select pg_temp.lease(3);
select pg_temp.expire(), pg_temp.job('select outbox.sweep()');
select is(
    pg_temp.job('select string_agg(concat(attempts, lost_leases), '', '' order by id) from public.capacity_outbox'),
    '12, 00, 00', 'what it said of an earlier lease says nothing of the next');
select is(pg_temp.job('select count(*) from outbox.starts'), '1', 'a report stands in place of what was said before');
select pg_temp.job('update outbox.workers set seen_at = clock_timestamp() - interval ''3 days''');
select pg_temp.job('select outbox.report(''other'')');
select is(
    pg_temp.job(
        'select concat((select string_agg(worker, '','') from outbox.workers), (select count(*) from outbox.starts))'),
        'other0', 'who has not been seen for days is forgotten');
select pg_temp.job('select outbox.leave(''other'')');
select is(pg_temp.job('select count(*) from outbox.workers'), '0', 'who leaves too');
select is(pg_temp.outcome('authenticated', pg_temp.a(), 'select outbox.report(''w'')'), '42501',
          'tenants report nothing');
select is(pg_temp.outcome('authenticated', pg_temp.a(), 'select * from outbox.starts'), '42501',
          'and see nothing of it');
select pg_temp.job('delete from public.capacity_outbox');
delete from leased;

-- Allowances.
select pg_temp.backlog(pg_temp.a(), 20);
select pg_temp.backlog(pg_temp.b(), 20);
create function pg_temp.allowed(max_events integer, per_tenant integer, more text) returns text
language sql
as $$
  select pg_temp.job(format(
    $s$ select string_agg(format('%%s: %%s', t, n), ', ' order by t)
          from (select left(tenant::text, 4) as t, count(*) as n from outbox.claim('w', %s, %s, %s)
                 group by 1) as c $s$, max_events, per_tenant, more))
$$;
select is(pg_temp.allowed(10, 1, format('allowed_tenants => array[%L]::uuid[], allowances => array[0]', pg_temp.a())),
          'bbbb: 10', 'a tenant without an allowance gets nothing');
select is(pg_temp.allowed(10, 1, format('allowed_tenants => array[%L]::uuid[], allowances => array[3]', pg_temp.a())),
          'aaaa: 3, bbbb: 7', 'with one no more than that, however many rounds there are');
select is(pg_temp.allowed(10, 5,
                          format('allowed_tenants => array[%L]::uuid[], allowances => array[4], allowance => 2',
                                 pg_temp.a())), 'aaaa: 4, bbbb: 2', 'nor the others more than theirs');
select is(pg_temp.allowed(10, 1, 'allowances => array[1]'), '22023', 'an allowance is somebody''s');
select pg_temp.job('delete from public.capacity_outbox');

-- Holds.
select pg_temp.job(format(
  $$ insert into public.holds (restaurant_id, party_size, booking_date, starts_at, ends_at, expires_at)
     select t, 2, current_date, now(), now() + interval '1 hour', now() + e from unnest(array[%L, %L]::uuid[]) as t,
            unnest(array['-1 minute', '1 minute']::interval[]) as e $$,
  pg_temp.a(), pg_temp.b()));
select is(pg_temp.outcome('authenticated', pg_temp.a(), 'select outbox.expire_holds()'), '42501',
          'holds are swept by a job');
select is(pg_temp.job('select outbox.expire_holds()'), '2', 'those whose time has come');
select is(pg_temp.job('select string_agg(status, '','' order by status) from public.holds'),
          'active,active,expired,expired', 'and no others');
select is(pg_temp.job('select outbox.expire_holds()'), '0', 'once');

-- The other queue.
select pg_temp.job(
    format($$ select outbox.enqueue('booking.confirmed', '{"n": 1}',
                                    attributes => '{"destination": "email", "aggregate_type": "booking", '
                                                  '"aggregate_id": "11111111-1111-4111-8111-111111111111"}',
                                                  tenant => %L, queue => 'public.outbox') $$, pg_temp.a()));
select is(
  pg_temp.job($$ select concat_ws(' ', event_type, payload, attributes)
                   from outbox.claim('w', queue => 'public.outbox') $$),
  'booking.confirmed {"n": 1} {"destination": "email", "aggregate_id": "11111111-1111-4111-8111-111111111111", '
  '"aggregate_type": "booking"}',
  'messages are claimed by the same function, with what they have besides');

select * from finish();
rollback;
