-- Events that are done go to the archive: once each, old ones only, and only jobs move them. There tenants read their
-- own and change nothing, and what is erased is erased there too.
begin;

\ir support/outbox.sql

select pg_temp.become('app_background', null);
insert into public.capacity_outbox (restaurant_id, event_type, payload, dedupe_key, idempotency_key, status, attempts,
                                    finished_at)
select t::uuid, 'capacity.' || e, p::jsonb, 'd-' || e, 'i-' || e, s, 2, now() - age
from unnest(array[pg_temp.a(), pg_temp.b()]) as t,
  (values
    ('oldest', 'done', interval '20 days',
     '{"n": 1, "guest": {"email": "ada@guests.example", "id": "11111111-1111-4111-8111-111111111111"}}'),
    ('old', 'done', '8 days', '{"n": 2}'),
    ('new', 'done', '6 days', '{"n": 3}'),
    ('dead', 'dead', '20 days', '{"n": 4}')) as v (e, s, age, p);
insert into public.capacity_outbox (restaurant_id, event_type, created_at, next_attempt_at)
  values (pg_temp.a()::uuid, 'capacity.waits', now() - interval '20 days', now() - interval '20 days');
reset role;
select partitions.fill('public.capacity_outbox_archive', p.starts_at, p.ends_at)
  from partitions.periods('month', 'UTC', now() - interval '20 days', now()) as p;

create function pg_temp.in_queue() returns text language sql as $$
  select pg_temp.job(
      'select string_agg(distinct event_type, '' '' order by event_type) || '' '' || count(*) from '
      'public.capacity_outbox')
$$;
create function pg_temp.in_archive() returns text language sql as $$
  select pg_temp.job(
      'select string_agg(distinct event_type, '' '' order by event_type) || '' '' || count(*) from '
      'public.capacity_outbox_archive')
$$;

select plan(44);

-- Who may
select is(pg_temp.tenant(pg_temp.a(), 'select outbox.archive()'), '42501', 'a tenant archives nothing');
select is(pg_temp.outcome('app_background', null, 'set local app.job = ''''; select outbox.archive()'), '42501',
          'nor does a role without a job');
select is(pg_temp.job('select outbox.archive(''public.outbox'')'), '55000', 'a queue without an archive has none');
select is(pg_temp.job('select outbox.archive(''public.bookings'')'), '42704', 'and what is no queue neither');
select is(pg_temp.job(format('select outbox.archive(older_than => %s)', v)), '22023', format('older_than => %s', v))
  from unnest(array['null', '''-1 day''']) as v;
select is(pg_temp.job(format('select outbox.archive(max_events => %s)', v)), '22023', format('max_events => %s', v))
  from unnest(array['null', '0']) as v;
select throws_ok(
  $$ select outbox.register_archive('public.capacity_outbox', 'public.bookings') $$, '42703', null,
  'a table of other columns is no archive');
create table public.open_archive (restaurant_id uuid not null);
select throws_ok(
  $$ select outbox.register_archive('public.capacity_outbox', 'public.open_archive') $$, '55000',
  'public.open_archive is not protected', 'nor is one that is not protected');

-- What goes, and in which order
select is(pg_temp.job('select outbox.archive(max_events => 2)'), '2', 'as many as are asked for');
select is(pg_temp.job('select string_agg(distinct event_type, '' '') || count(*) from public.capacity_outbox_archive'),
          'capacity.oldest2', 'the oldest first');
select is(pg_temp.job('select outbox.archive()'), '2', 'then the rest');
select is(pg_temp.job('select outbox.archive()'), '0', 'then none');
select is(pg_temp.in_queue(), 'capacity.dead capacity.new capacity.waits 5',
          'what is dead, waits, or has been done of late stays');
select is(pg_temp.in_archive(), 'capacity.old capacity.oldest 4', 'and what is old has gone');
select is(
  pg_temp.job($$ select count(*) from public.capacity_outbox_archive as a
                   join public.capacity_outbox as q using (restaurant_id, id) $$), '0', 'nothing is in both');
select is(
  pg_temp.job($$ select concat_ws(' ', payload ->> 'n', dedupe_key, idempotency_key, attempts,
                                  finished_at = now() - interval '8 days', archived_at = now())
    from public.capacity_outbox_archive where event_type = 'capacity.old' limit 1 $$), '2 d-old i-old 2 t t',
         'as it was');
select is(pg_temp.job('select outbox.archive(older_than => ''0'')'), '2', 'all that is done, if that is asked for');
select is(pg_temp.in_queue(), 'capacity.dead capacity.waits 3', 'the dead stay even so');
select is(pg_temp.job('select count(*) from outbox.replay()'), '2', 'and can be replayed');

-- A tenant and the archive
select is(pg_temp.tenant(t, 'select count(*) from public.capacity_outbox_archive'), '3', 'each sees its own')
  from unnest(array[pg_temp.a(), pg_temp.b()]) as t;
select is(pg_temp.tenant(null, 'select count(*) from public.capacity_outbox_archive'), '0', 'nobody sees none');
select is(pg_temp.tenant(pg_temp.a(), s), o, s)
from (values
  ('update public.capacity_outbox_archive set payload = ''{}''', '0'),
  ('delete from public.capacity_outbox_archive', '0'),
  ($$ insert into public.capacity_outbox_archive (restaurant_id, id, event_type, payload, attempts, created_at,
                                                  finished_at)
      values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 4711, 'e', '{}', 1, now(), now()) $$, '42501'),
  ('truncate public.capacity_outbox_archive', '42501')) as v (s, o);
select is(pg_temp.outcome(r, pg_temp.a(), format('select count(*) from %s', c.child)), '42501',
          format('%s does not reach %s', r, c.child))
from (select child from partitions.children('public.capacity_outbox_archive') order by starts_at limit 2) as c,
     unnest(array['authenticated', 'app_background']) as r;

-- Erased
select is(
    pg_temp.job(format('select pii.erase_rows(%L, %L, %2$L, array[%2$L], null, false) ->> ''capacity_outbox_archive''',
                       pg_temp.a(), '11111111-1111-4111-8111-111111111111')), '1',
                       'a guest''s event is found in the archive');
select is(
  pg_temp.job(
      format(
          'select payload #>> ''{guest,email}'' from public.capacity_outbox_archive where event_type = '
          '''capacity.oldest'' and restaurant_id = %L', t)), o, w)
from (values (pg_temp.a(), '[erased]', 'and scrubbed'),
      (pg_temp.b(), 'ada@guests.example', 'the other tenant''s is its own')) as v (t, o, w);
select is(
    pg_temp.job(
        format('select e ? ''capacity_outbox_archive'' from pii.erase_rows(%L, null, null, ''{}'', null, false) as e',
               pg_temp.b())), 'true', 'a tenant''s are all scrubbed, here and there');
select is(pg_temp.job('select count(*) from public.capacity_outbox_archive where payload::text ~ ''@guests'''),
          '0', 'none is left');

-- A month that there is none for
select pg_temp.job($$ insert into public.capacity_outbox (restaurant_id, event_type, status, finished_at,
                                                          idempotency_key)
  values (pg_temp.a()::uuid, 'capacity.ancient', 'done', '1999-12-31 12:00Z', 'x'),
         (pg_temp.a()::uuid, 'capacity.recent', 'done', now() - interval '8 days', 'y') $$);
select is(pg_temp.job('select outbox.archive()'), '23514', 'an event of a time without a partition is refused');
select is(pg_temp.in_queue(), 'capacity.ancient capacity.dead capacity.recent capacity.waits 5',
          'and nothing is moved, or lost');
select lives_ok($$ select partitions.fill('public.capacity_outbox_archive', '1999-12-01Z', '2000-01-01Z') $$,
                'once there is one');
select is(pg_temp.job('select outbox.archive()'), '2', 'it goes');

select is(
  array(select name from outbox.index_statements('public.capacity_outbox')),
  array['capacity_outbox_dispatch_idx', 'capacity_outbox_dedupe_active_idx', 'capacity_outbox_unsettled_idx',
        'capacity_outbox_finished_idx'], 'a queue with an archive has an index for it');
select is(array(select name from outbox.index_statements('public.outbox') where name ~ 'finished'), '{}'::text[],
          'one without has none');
set local enable_seqscan = off;
select matches(
  pg_temp.job(
      'explain (format json) select q.id from public.capacity_outbox as q where q.status = ''done'' and q.finished_at '
      '< clock_timestamp() order by q.finished_at limit 10'),
  'capacity_outbox_finished_idx', 'which finds the oldest');

select * from finish();
rollback;
