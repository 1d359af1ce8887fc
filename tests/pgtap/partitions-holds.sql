-- What is true of all holds over all months: ids and idempotency keys are there once, members go with their hold, what
-- refers to a hold refers to one that exists. And how a month is freed of all that, so that it can go.
begin;

\ir support/outbox.sql
\ir support/confirm.sql

select partitions.fill('public.table_holds', '2030-01-01Z', '2030-02-01Z'),
       partitions.fill('public.table_holds', '2030-02-01Z', '2030-03-01Z');
select pg_temp.add_tables(t, array['1', '2', '3']) from unnest(array[pg_temp.a()]) as t;

-- A statement that takes a hold. made: its created_at.
create function pg_temp.take(tenant text, name text, key text, made text,
                             more text default '') returns text language sql return format(
  'insert into public.table_holds (restaurant_id, id, idempotency_key, created_at, booking_date, starts_at, ends_at, expires_at)
   values (%L, %L, %L, %L, ''2030-01-01'', ''2030-01-01 19:00Z'', ''2030-01-01 21:00Z'', clock_timestamp() + interval ''10 minutes'') %s',
  tenant, pg_temp.id(name), key, made, more);
create function pg_temp.keys() returns text language sql as $$
  select pg_temp.job(
      'select coalesce(string_agg(idempotency_key || '' '' || hold_created_at::date, '', '' order by idempotency_key, '
      'hold_created_at), '''') from public.table_hold_keys')
$$;
set local timezone = 'UTC';

select plan(62);

-- Once, over all months
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), 'one', 'k1', '2030-01-10Z')), '1',
          'a tenant takes a hold');
select is(pg_temp.keys(), 'k1 2030-01-10', 'whose keys are entered');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), n, 'k1', at)), '23505',
          format('the same key is refused, on %s', at))
from (values ('two', '2030-01-11Z'), ('three', '2030-02-11Z')) as v (n, at);
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), 'one', k, at)), '23505',
          format('and the same id, on %s', at))
from (values ('k2', '2030-01-10Z'), ('k3', '2030-02-10Z'), (null, '2030-02-10Z')) as v (k, at);
select is(pg_temp.job(pg_temp.take(pg_temp.a(), 'two', 'k1', '2030-02-11Z')), '23505', 'from a job too');
select is(pg_temp.tenant(pg_temp.b(), pg_temp.take(pg_temp.b(), 'one', 'k1', '2030-01-10Z')), '1',
          'another tenant has its own');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), n, null, '2030-01-12Z')), '1',
          'without a key as many as come') from unnest(array['keyless', 'keyless too']) as n;
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.b(), 'five', 'k5', '2030-01-10Z')), '42501',
          'none for another tenant');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), 'six', 'k6', '1999-01-10Z')), '23514',
          'none in a month that there is not');
select is(pg_temp.keys(), 'k1 2030-01-10, k1 2030-01-10', 'what is refused leaves no keys');
select is(pg_temp.job('select count(*) from public.table_hold_keys'), '4', 'there is one row for each hold');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), 'two', 'k1', '2030-01-11Z', 'on conflict do nothing')),
          '23505', 'ON CONFLICT knows nothing of the keys');
select is(pg_temp.tenant(pg_temp.a(),
                         pg_temp.take(pg_temp.a(), 'two', 'k1', '2030-01-11Z',
                                      'on conflict (restaurant_id, idempotency_key) do nothing')), '42P10',
                                      'and cannot name them');

-- What stays
select is(pg_temp.tenant(pg_temp.a(), format('update public.table_holds set %s where id = %L', s, pg_temp.id('one'))),
          o, s)
from (values
  ('created_at = ''2030-02-10Z''', '23001'), ('created_at = created_at + interval ''1 hour''', '23001'),
  ('id = gen_random_uuid()', '23001'),
  ('idempotency_key = ''k9''', '23001'), ('idempotency_key = null', '23001'),
  ('created_at = created_at, id = id, idempotency_key = idempotency_key, status = ''released''', '1'),
  ('status = ''active''', '1')) as v (s, o);
select is(pg_temp.tenant(pg_temp.a(), s), o, s)
from (values
  ('update public.table_hold_keys set idempotency_key = ''x''', '0'),
  ('delete from public.table_hold_keys', '0'),
  ('truncate public.table_hold_keys', '42501'),
  ('select count(*) from public.table_hold_keys', '3')) as v (s, o);
select is(pg_temp.tenant(pg_temp.a(), format('insert into public.table_hold_keys values (%L, %L, ''2030-01-10Z'', '
                                             '''k7''); set constraints all immediate', pg_temp.a(),
                                             pg_temp.id('no hold'))), '23503',
                                             'keys of no hold are refused when the transaction ends');

-- Members and allocations, in one statement with their hold, whichever comes first
select is(
  pg_temp.tenant(pg_temp.a(), format(
    $s$ with %s
        select 1 $s$,
    array_to_string(array(select format(part, pg_temp.a(), pg_temp.id('together ' || place), pg_temp.id('1'), place)
                            from unnest(parts) as part), ', '))), '1', format('in one statement: %s', place))
from (values
  (array[
    'h as (insert into public.table_holds (restaurant_id, id, idempotency_key, booking_date, starts_at, ends_at, '
    'expires_at) values (%1$L, %2$L, %4$L, ''2030-01-01'', ''2030-01-01 19:00Z'', ''2030-01-01 21:00Z'', now()))',
    'm as (insert into public.table_hold_members values (%1$L, %2$L, %3$L))'], 'the hold first'),
  (array[
    'm as (insert into public.table_hold_members values (%1$L, %2$L, %3$L))',
    'h as (insert into public.table_holds (restaurant_id, id, idempotency_key, booking_date, starts_at, ends_at, '
    'expires_at) values (%1$L, %2$L, %4$L, ''2030-01-01'', ''2030-01-01 19:00Z'', ''2030-01-01 21:00Z'', now()))'],
    'its member first')
) as v (parts, place);
select is(pg_temp.tenant(pg_temp.a(),
                         format('insert into public.table_hold_members values (%L, %L, %L)', pg_temp.a(), pg_temp.id(h),
                                pg_temp.id('2'))), o, format('a member of %s', h))
from (values ('one', '1'), ('nothing', '23503')) as v (h, o);
select is(pg_temp.tenant(pg_temp.a(), format('insert into public.allocations (restaurant_id, table_id, hold_id, '
                                             'starts_at, ends_at) values (%L, %L, %L, ''2030-01-01 19:00Z'', '
                                             '''2030-01-01 21:00Z'')', pg_temp.a(), pg_temp.id(t), pg_temp.id(h))),
                                             o, format('an allocation of %s', h))
from (values ('one', '2', '1'), ('nothing', '3', '23503')) as v (h, t, o);
select is(pg_temp.tenant(pg_temp.b(),
                         format('insert into public.table_hold_members values (%L, %L, %L)', pg_temp.b(),
                                pg_temp.id('keyless'), pg_temp.id('2'))), '23503',
                                'no member of another tenant''s hold');
select is(pg_temp.tenant(pg_temp.a(), format('delete from public.table_holds where id = %L', pg_temp.id('one'))),
          '23503', 'a hold that keeps a table is not deleted');
select pg_temp.tenant(pg_temp.a(), format('delete from public.allocations where hold_id = %L', pg_temp.id('one')));
select is(pg_temp.tenant(pg_temp.a(), format('delete from public.table_holds where id = %L', pg_temp.id('one'))),
          '1', 'then it is');
select is(
  pg_temp.job(
      format(
          'select (select count(*) from public.table_hold_members where hold_id = %1$L) || '' '' || (select count(*) '
          'from public.table_hold_keys where hold_id = %1$L and restaurant_id = %2$L)', pg_temp.id('one'),
          pg_temp.a())), '0 0', 'its members and keys go with it');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.take(pg_temp.a(), 'one', 'k1', '2030-02-10Z')), '1',
          'and another one may have them');

-- Confirmed over two months
select pg_temp.add_booking(pg_temp.a(), 'dinner');
select pg_temp.job(pg_temp.take(pg_temp.a(), n, n, at)),
       pg_temp.job(format('insert into public.table_hold_members values (%L, %L, %L)', pg_temp.a(), pg_temp.id(n),
                          pg_temp.id(t)))
from (values ('in January', '2030-01-31 23:59Z', '1'), ('in February', '2030-02-01Z', '2')) as v (n, at, t);
select matches(pg_temp.confirm(pg_temp.a(), 'dinner', array['in January', 'in February'], 'request'), '^\{',
               'holds of two months are confirmed together');
select is(pg_temp.left_behind(), '2 2 1 2 2', 'each with its assignment');

-- A month that goes
select is(pg_temp.tenant(pg_temp.a(), 'select public.forget_table_holds(now())'), '42501', 'a tenant forgets nothing');
select is(pg_temp.outcome('app_background', null, 'set local app.job = ''''; select public.forget_table_holds(now())'),
          '42501', 'nor does a role without a job');
set constraints all immediate;
-- An owner whom row security binds does not see what refers to it, and has to be told so: row_security.
set local row_security = off;
select throws_ok(
  'alter table public.table_holds detach partition public.table_holds_p2030_01',
  case when row_security_active('public.table_hold_keys') then '42501' else '23503' end, null,
  'a month that something refers to stays'
) from (select) as one;
select is(
  (select count(*) from (select partitions.detach_statement('public.table_holds', 'public.table_holds_p2030_01')) as s),
  1::bigint, 'who sees that may try'
) where not row_security_active('public.table_hold_keys');
select throws_ok(
  $$ select partitions.detach_statement('public.table_holds', 'public.table_holds_p2030_01') $$, '55000', null,
  'who does not must not try'
) where row_security_active('public.table_hold_keys');
set local row_security = on;
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'')'), '3',
          'what is over is forgotten, of this month and those before');
select is(
    pg_temp.job(
        'select string_agg(distinct h.status, '' '') || '' '' || count(*) from public.table_holds as h where '
        'created_at >= ''2030-01-01Z'' and created_at < ''2030-02-01Z'' and h.restaurant_id = ''' || pg_temp.a()
          || ''''), 'active confirmed 3', 'its hold stays in its month');
select is(
    pg_temp.job(
        'select string_agg(distinct h.status, '' '') from public.table_hold_keys as k join public.table_holds as h on '
        'h.restaurant_id = k.restaurant_id and h.id = k.hold_id where created_at >= ''2030-01-01Z'' and created_at < '
        '''2030-02-01Z'''), 'active', 'what waits keeps its keys');
select pg_temp.job(
    format(
        'insert into public.allocations (restaurant_id, table_id, hold_id, starts_at, ends_at, released_at) values '
        '(%L, %L, %L, now(), %s, %s)', pg_temp.a(), pg_temp.id('3'), pg_temp.id(h), e, r))
from (values ('keyless', 'now() + interval ''1 hour''', 'null'),
      ('keyless too', 'now() + interval ''1 hour''', 'now()')) as v (h, e, r);
select pg_temp.job('update public.table_holds set expires_at = now()');
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'', 1)'), '1', 'so many at a time');
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'')'), '1',
          'an expired one is over, one whose table was released too');
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'')'), '0', 'one that keeps a table is not');
select is(pg_temp.job('select count(*) from public.allocations where released_at is not null'), '0',
          'allocations that came to nothing go along');
select pg_temp.job('delete from public.allocations where hold_id is not null');
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'')'), '1', 'once it does not any more');
select lives_ok('alter table public.table_holds detach partition public.table_holds_p2030_01', 'then the month can go');
select is(
    pg_temp.job(
        'select count(*) from public.table_hold_keys where hold_created_at >= ''2030-01-01Z'' and hold_created_at < '
        '''2030-02-01Z'''), '0', 'and nothing refers to it');

-- One that was detached all the same
select is(pg_temp.job(pg_temp.take(pg_temp.a(), 'lost', 'lost', '2030-02-02Z')), '23503',
          'while all constraints are immediate no hold is taken');
set constraints all deferred;
select is(pg_temp.job(pg_temp.take(pg_temp.a(), 'lost', 'lost', '2030-02-02Z')), '1', 'a hold');
select is(pg_temp.job(format('insert into public.table_hold_members values (%L, %L, %L)', pg_temp.a(),
                             pg_temp.id('lost'), pg_temp.id('3'))), '1', 'with a member');
set constraints all immediate;
alter table public.table_hold_keys drop constraint table_hold_keys_hold_fkey;
alter table public.table_holds detach partition public.table_holds_p2030_02;
select is(pg_temp.job('select public.forget_table_holds(''2030-02-01Z'')'), '0',
          'of holds that are gone nothing is forgotten before its time');
select is(
    pg_temp.job(
        format(
            'select public.forget_table_holds(''2030-03-01Z'') || '' '' || (select count(*) from '
            'public.table_hold_members where hold_id = %L)', pg_temp.id('lost'))), '3 1',
            'then it is, with what belonged to them');
select is(pg_temp.job(format('select count(*) from public.table_hold_members where hold_id = %L', pg_temp.id('lost'))),
          '0', 'their members');

select * from finish();
rollback;
