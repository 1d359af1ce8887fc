-- Back-off, burial, replay.
begin;

\ir support/outbox.sql

create temporary table leased (tenant uuid, id bigint, token bigint, attempt integer);
grant all on leased to app_background;
create function pg_temp.lease() returns void
language plpgsql
as $$
begin
  delete from leased;
  perform pg_temp.job(
      'update public.capacity_outbox set next_attempt_at = clock_timestamp() where status = ''pending''');
  perform pg_temp.job(
      'with c as (select * from outbox.claim(''w'', 1)), kept as (insert into leased select tenant, id, token, attempt '
      'from c returning 1) select count(*) from kept');
end
$$;
create function pg_temp.fail(more text default '') returns text
language sql
as $$ select pg_temp.job(format('select outbox.fail(%L, %s, %s, ''no answer''%s)', tenant, id, token, more))
        from leased $$;
create function pg_temp.event(expression text) returns text language sql
  as $$ select pg_temp.job(format('select %s from public.capacity_outbox', expression)) $$;

select plan(42);

-- The range of the back-off, and that it is used.
select is(
  array(select bool_and(b >= '0' and b <= least(interval '1 second' * 2 ^ least(n - 1, 30), interval '10 minutes'))
          from generate_series(1, 500), lateral (select outbox.backoff(n, '1 second', '10 minutes')) as r (b)),
  array[true], format('retry %s comes within its range', n)
) from unnest(array[1, 2, 5, 10, 11, 1000, 0, -1]) with ordinality as u (n, place) where n > 0;
select is((select bool_and(outbox.backoff(n, '1 second', '10 minutes') <= '1 second') from unnest(array[0, -1]) as n),
          true, 'odd numbers do no harm');
select ok((select max(b) > interval '400 ms' and min(b) < interval '100 ms' and count(distinct b) > 90
             from generate_series(1, 100),
                  lateral (select outbox.backoff(1, '500 ms', '1 hour') + make_interval(secs => 0 * generate_series))
                    as r (b)), 'all over the range: full jitter');

select pg_temp.backlog(pg_temp.a(), 1);
select pg_temp.job('update public.capacity_outbox set max_attempts = 3');
select pg_temp.lease();
select is(pg_temp.fail(', retry_after => ''1 hour'''), 'pending', 'a failure leaves it for later');
select is(pg_temp.event('concat_ws('' '', status, attempts, last_error, locked_by, dead_reason)'),
          'pending 1 no answer', 'with the error');
select ok(
    pg_temp.event(
        'next_attempt_at between clock_timestamp() + interval ''59 minutes'' and clock_timestamp() + interval ''61 '
        'minutes''')::boolean, 'the handler may say when');
select is(pg_temp.claimed(1), null, 'and not before');
select pg_temp.lease();
select is(pg_temp.fail(), 'pending', 'a second failure');
select ok(
    pg_temp.event(
        'next_attempt_at between clock_timestamp() - interval ''1 second'' and clock_timestamp() + interval ''10 '
        'seconds''')::boolean, 'backs off by up to ten seconds');
select is(pg_temp.fail(), null, 'who failed has no lease any more');
select pg_temp.lease();
select is(pg_temp.fail(), 'dead', 'the last attempt buries it');
select is(pg_temp.event('concat_ws('' '', status, attempts, dead_reason, last_error, finished_at is not null)'),
          'dead 3 attempts no answer t', 'with the reason');
select is(pg_temp.claimed(1), null, 'nobody claims the dead');

-- Replay.
select is(pg_temp.outcome('authenticated', pg_temp.a(), 'select count(*) from outbox.replay()'), '42501',
          'tenants replay nothing');
select is(pg_temp.job(format('select count(*) from outbox.replay(%L)', pg_temp.b())), '0',
          'another tenant has nothing to replay');
select is(pg_temp.job('select outcome from outbox.replay(id => -1)'), '(no rows)', 'nor is there such an id');
select is(pg_temp.job(format('select outcome from outbox.replay(%L)', pg_temp.a())), 'replayed',
          'the dead are replayed');
select is(pg_temp.event('concat_ws('' '', status, attempts, dead_reason, finished_at)'), 'pending 0',
          'from the first attempt');
create temporary table before_replay as select * from leased;
select pg_temp.lease();
select ok((select l.token > b.token from leased as l, before_replay as b), 'under a higher token');
select is(pg_temp.job('select count(*) from outbox.replay()'), '0', 'what is not dead is not replayed');
select is(pg_temp.fail(', retry => false'), 'dead', 'what will never succeed is buried at once');
select is(pg_temp.event('concat_ws('' '', attempts, dead_reason)'), '1 rejected', 'with that reason');

-- The same has come again since.
select is(
    pg_temp.job($$ insert into public.capacity_outbox (restaurant_id, event_type, idempotency_key) select restaurant_id,
                event_type, idempotency_key from public.capacity_outbox $$), '1', 'the same event comes again');
select is(pg_temp.job('select outcome from outbox.replay()'), 'waits already', 'then it is not replayed');
select is(pg_temp.event('string_agg(status, '','' order by status)'), 'dead,pending', 'and both stay what they are');

-- Rows that were not unique before the index: as a migration finds them.
savepoint before;
drop index public.capacity_outbox_dedupe_active_idx;
select pg_temp.job('delete from public.capacity_outbox');
select pg_temp.job(format(
  $$ insert into public.capacity_outbox (restaurant_id, event_type, dedupe_key) select t, 'e',
  k from unnest(array[%L, %L]::uuid[]) as t, unnest(array['x', 'x', null, null, 'y']) as k $$, pg_temp.a(),
  pg_temp.b()));
select is(pg_temp.job('select outbox.bury_duplicates(''public.capacity_outbox'')'), '2',
          'of the same events one remains in each tenant');
select is(
    pg_temp.event(
        'string_agg(distinct concat_ws('' '', status, dead_reason, regexp_replace(dedupe_key, ''-\d+'', ''-n'')), '
        ''','')'), 'dead duplicate x,pending event-n,pending x,pending y', 'those without keys get their own');
select is(pg_temp.job('select count(*) from public.capacity_outbox where status = ''pending'''), '8',
          'and all of those wait');
select lives_ok(
    'create unique index on public.capacity_outbox (restaurant_id, event_type, coalesce(dedupe_key, ''''), '
    'coalesce(idempotency_key, '''')) where status in (''pending'', ''processing'')', 'then the index can be built');
rollback to savepoint before;

-- The indexes that the migrations built are those of the function, in use.
select is(
  (select count(*) from pg_index as i join pg_class as c on c.oid = i.indexrelid
     join outbox.index_statements(q) as s on s.name = c.relname where i.indrelid = q and i.indisvalid),
  n, format('%s has its indexes', q)
) from (values ('public.capacity_outbox'::regclass, 4::bigint), ('public.outbox', 3)) as queues (q, n);
select hasnt_index('public', t, t || '_due_idx', format('%s: the index of before is gone', t))
  from unnest(array['capacity_outbox', 'outbox']) as t;
select lives_ok($$ select outbox.register('public.capacity_outbox', keyless_once => true) $$,
                'registering again changes nothing');
select throws_ok($$ select outbox.register('pg_catalog.pg_class') $$, '55000', null,
                 'an unprotected table is no queue');
select throws_ok($$ select outbox.register('public.bookings') $$, '42703', null, 'nor one without the columns');
select has_index('public', 'capacity_outbox', 'capacity_outbox_dispatch_idx',
                 array['restaurant_id', 'next_attempt_at', 'id'], 'the dispatch index begins with the tenant');

select * from finish();
rollback;
