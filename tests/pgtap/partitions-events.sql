-- Events over months: ids that never come twice, and rows that stay as they are in whatever month they are.
begin;

\ir support/outbox.sql

create function pg_temp.add(relation text, tenant text, columns text, at text) returns text language sql return format(
  'insert into %s (restaurant_id, created_at, %s) values (%L, %s, %s)', relation, split_part(columns, ' = ', 1),
  tenant, at, split_part(columns, ' = ', 2));
create temporary table kinds as
select relation, columns from (values
  ('public.analytics_events', 'event_name, occurred_at = ''visit'', now()'),
  ('public.observability_events', 'source, event_type, severity = ''pgtap'', ''e'', ''info'''))
    as v (relation, columns);

select plan((21 * (select count(*) from kinds))::integer);

select is(pg_temp.tenant(pg_temp.a(), pg_temp.add(relation, pg_temp.a(), columns, at)), '1',
          format('%s at %s', relation, at))
from kinds,
     unnest(array['now()', 'now() - interval ''20 days''', 'date_trunc(''month'', now())',
                  'date_trunc(''month'', now()) - interval ''1 microsecond''', 'now() + interval ''2 months''']) as at;
select is(pg_temp.job(pg_temp.add(relation, pg_temp.b(), columns, 'now()')), '1',
          format('%s: a job adds one for another tenant', relation)) from kinds;
select is(pg_temp.tenant(pg_temp.a(), format('select count(*) || '' '' || count(distinct id) || '' '' || '
                                             '(count(distinct tableoid) >= 3) from %s', relation)), '5 5 true',
                                             format('%s: ids of their own, in several months', relation)) from kinds;
select is(pg_temp.tenant(pg_temp.b(), format('select count(*) from %s', relation)), '1',
          format('%s: each tenant its own', relation)) from kinds;
select is(pg_temp.tenant(pg_temp.a(),
                         format('insert into %s (restaurant_id, id, %s) values (%L, 1, %s)', relation,
                                split_part(columns, ' = ', 1), pg_temp.a(), split_part(columns, ' = ', 2))), '428C9',
                                format('%s: nobody chooses an id', relation)) from kinds;
select is(pg_temp.tenant(pg_temp.a(), pg_temp.add(relation, pg_temp.a(), columns, at)), '23514',
          format('%s: not at %s', relation, at))
from kinds, unnest(array['''1999-12-31''', 'now() + interval ''5 years''', '''infinity''', '''-infinity''']) as at;
select is(pg_temp.outcome(role, pg_temp.a(), format(statement, relation)), '42501',
          format('%s: %s', role, format(statement, relation)))
from kinds, unnest(array['authenticated', 'app_background']) as role,
     unnest(array['update %s set created_at = now()', 'delete from %s', 'truncate %s']) as statement;
grant update, delete on public.analytics_events, public.observability_events to authenticated;
select is(pg_temp.tenant(pg_temp.a(), format(statement, relation)), '0',
          format('after a careless GRANT: %s', format(statement, relation)))
from kinds, unnest(array['update %s set created_at = now()', 'delete from %s']) as statement;

select * from finish();
rollback;
