-- Assignments have the date of their booking, whatever becomes of it, and are kept by it.
begin;

\ir support/outbox.sql
\ir support/confirm.sql

select partitions.fill('public.booking_table_assignments', '2030-02-01Z', '2030-03-01Z');
select pg_temp.add_tables(t, array['1', '2']) from unnest(array[pg_temp.a()]) as t;
select pg_temp.add_booking(pg_temp.a(), n, h) from (values ('dinner', 19), ('lunch', 12)) as v (n, h);

create function pg_temp.assign(tenant text, booking text, at_table text,
                               on_date text) returns text language sql return format(
  'insert into public.booking_table_assignments (restaurant_id, booking_id, table_id, booking_date, starts_at, ends_at)
   values (%L, %L, %L, %L, ''2030-01-01 19:00Z'', ''2030-01-01 21:00Z'')', tenant, pg_temp.id(booking), pg_temp.id(at_table), on_date);
-- Where the assignments of a booking are.
create function pg_temp.months(booking text) returns text language sql as $$
  select pg_temp.job(format(
    'select coalesce(string_agg(distinct concat_ws('' '', right(tableoid::regclass::text, 8), booking_date), '', ''), '
    '''none'') || '' '' || count(*) from public.booking_table_assignments where booking_id = %L', pg_temp.id(booking)))
$$;
create function pg_temp.move(tenant text, booking text, to_date text) returns text language sql as $$
  select pg_temp.tenant(tenant,
                        format(
                            'update public.bookings set booking_date = %L, starts_at = starts_at + (date %L - '
                            'booking_date) * interval ''1 day'', ends_at = ends_at + (date %L - booking_date) * '
                            'interval ''1 day'' where id = %L', to_date, to_date, to_date, pg_temp.id(booking)))
$$;

select plan(33);

select is(pg_temp.tenant(pg_temp.a(), pg_temp.assign(pg_temp.a(), 'dinner', t, '2030-01-01')), '1',
          format('table %s is assigned', t)) from unnest(array['1', '2']) as t;
select is(pg_temp.months('dinner'), 'p2030_01 2030-01-01 2', 'on the date of the booking');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.assign(pg_temp.a(), 'dinner', '1', d)), o,
          format('the same table for it again, on %s', d))
from (values ('2030-01-01', '23505'), ('2030-01-02', '23503'), ('2030-02-01', '23503'), ('2035-01-01', '23514'))
     as v (d, o);
select is(pg_temp.tenant(pg_temp.a(), pg_temp.assign(pg_temp.a(), 'lunch', '1', '2030-01-02')), '23503',
          'on no other date than the booking''s');
select is(pg_temp.tenant(pg_temp.a(), format('update public.booking_table_assignments set booking_date = %L where '
                                             'booking_id = %L', d, pg_temp.id('dinner'))), '23503',
                                             format('nor is it moved without its booking, to %s', d))
from unnest(array['2030-01-02', '2030-02-01']) as d;
select is(pg_temp.tenant(pg_temp.b(), pg_temp.assign(pg_temp.b(), 'dinner', '1', '2030-01-01')), '23503',
          'nothing for the booking of another tenant');

-- The booking is moved
select is(pg_temp.move(pg_temp.a(), 'dinner', '2030-01-31'), '1', 'within the month');
select is(pg_temp.months('dinner'), 'p2030_01 2030-01-31 2', 'its assignments go along');
select is(pg_temp.move(pg_temp.a(), 'dinner', '2030-02-01'), '1', 'into the next month');
select is(pg_temp.months('dinner'), 'p2030_02 2030-02-01 2', 'they go along');
select is(
  pg_temp.tenant(pg_temp.a(),
                 'select string_agg(distinct concat_ws('' '', starts_at at time zone ''UTC'', assigned_by), '', '') || '
                 'count(*) from public.booking_table_assignments'), '2030-01-01 19:00:002', 'and keep all else');
select is(pg_temp.tenant(pg_temp.a(), pg_temp.assign(pg_temp.a(), 'dinner', '1', d)), o,
          format('a table of it again, on %s', d))
from (values ('2030-02-01', '23505'), ('2030-01-31', '23503')) as v (d, o);
select is(pg_temp.move(pg_temp.b(), 'dinner', '2030-01-01'), '0', 'another tenant moves nothing');
select is(pg_temp.job(format('update public.bookings set booking_date = ''2030-01-15'' where id = %L',
                             pg_temp.id('dinner'))), '1', 'a job moves it back');
select is(pg_temp.months('dinner'), 'p2030_01 2030-01-15 2', 'with its assignments');
select is(pg_temp.move(pg_temp.a(), 'dinner', '2035-01-01'), '23514', 'not to a month that there is not');
select is(pg_temp.months('dinner'), 'p2030_01 2030-01-15 2', 'and nothing has changed');
select is(pg_temp.job(format('select booking_date from public.bookings where id = %L', pg_temp.id('dinner'))),
          '2030-01-15', 'of the booking neither');
select is(pg_temp.move(pg_temp.a(), 'lunch', '2035-01-01'), '1', 'a booking without assignments goes anywhere');
select is(pg_temp.tenant(pg_temp.a(), format('delete from public.bookings where id = %L', pg_temp.id('dinner'))),
          '23503', 'a booking with assignments is not deleted');
select is(pg_temp.tenant(pg_temp.a(),
                         format('delete from public.booking_table_assignments where booking_id = %L',
                                pg_temp.id('dinner'))), '2', 'without them');
select is(pg_temp.tenant(pg_temp.a(), format('delete from public.bookings where id = %L', pg_temp.id('dinner'))),
          '1', 'it is');

-- Confirmed too far ahead
select pg_temp.job(
    format(
        'update public.bookings set starts_at = ''2030-01-01 12:00Z'', ends_at = ''2030-01-01 14:00Z'' where id = %L',
        pg_temp.id('lunch'))),
  pg_temp.add_hold(pg_temp.a(), 'table for lunch', array['1'], 12);
select matches(pg_temp.refused(pg_temp.a(), 'lunch', array['table for lunch'], 'k1'),
               '^PT409 \| conflict_error \| The booking is on a day for which no assignments can be kept\. \|',
               'a confirmation beyond the last month is a conflict');
select is(pg_temp.left_behind(), '0 0 0 0 0', 'that leaves nothing');
select lives_ok($$ select partitions.fill('public.booking_table_assignments', '2035-01-01Z', '2035-02-01Z') $$,
                'once there is the month');
select matches(pg_temp.confirm(pg_temp.a(), 'lunch', array['table for lunch'], 'k1'), '^\{',
               'it is confirmed, with the same key');
select is(pg_temp.months('lunch'), 'p2035_01 2035-01-01 1', 'in its month');

select * from finish();
rollback;
