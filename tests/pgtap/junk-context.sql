-- Whatever the context is, it names one tenant or nobody, and never raises an error.
begin;

\ir support/two-tenants.sql

-- Each context with what it names where claims count, where the setting counts and where both do. A and B stand for the
-- tenants.
create temporary table contexts (claims text, setting text, by_claims text, by_setting text, by_both text);
insert into contexts values
  ('{"activeRestaurantId": "A"}', 'A', 'A', 'A', 'A'),
  ('{"activeRestaurantId": "A"}', '', 'A', null, 'A'),
  ('', 'A', null, 'A', 'A'),
  ('{}', 'A', null, 'A', 'A'),
  -- of a key that occurs twice the last counts (RFC 7519)
  ('{"activeRestaurantId": "B", "activeRestaurantId": "A"}', 'A', 'A', 'A', 'A'),
  ('{"activeRestaurantId": "A", "activeRestaurantId": "B"}', 'A', 'B', 'A', null),
  ('{"activeRestaurantId": "A", "activeRestaurantId": null}', 'A', null, 'A', null),
  ('{"sub": "user", "roles": ["A"], "deep": {"activeRestaurantId": "B"}}', 'A', null, 'A', 'A'),
  -- nothing at all
  ('', '', null, null, null),
  ('{}', '', null, null, null),
  ('{"role": "anonymous"}', '', null, null, null),
  -- not JSON, or JSON that is no object: somebody claims something, and who it is cannot be read
  ('{', 'A', null, 'A', null),
  ('not json', 'A', null, 'A', null),
  (' ', 'A', null, 'A', null),
  ('{"activeRestaurantId": "A"', 'A', null, 'A', null),
  ('{"activeRestaurantId": "A"} {}', 'A', null, 'A', null),
  ('A', 'A', null, 'A', null),
  ('"A"', 'A', null, 'A', null),
  ('{"activeRestaurantId": "\u0000"}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "\ud800"}', 'A', null, 'A', null),
  ('{"number": 1e1000000}', 'A', null, 'A', null),
  ('null', 'A', null, 'A', null),
  ('null', '', null, null, null),
  ('[]', 'A', null, 'A', null),
  ('["activeRestaurantId"]', 'A', null, 'A', null),
  ('[{"activeRestaurantId": "A"}]', 'A', null, 'A', null),
  ('"activeRestaurantId"', 'A', null, 'A', null),
  ('42', 'A', null, 'A', null),
  ('true', 'A', null, 'A', null),
  ('[{"activeRestaurantId": "A"}]', '', null, null, null),
  ('"activeRestaurantId"', '', null, null, null),
  ('"A"', '', null, null, null),
  ('42', '', null, null, null),
  ('true', '', null, null, null),
  -- another key
  ('{"activerestaurantid": "A"}', '', null, null, null),
  ('{"user_metadata": {"activeRestaurantId": "A"}}', '', null, null, null),
  -- there and wrong, which must not leave the choice to the other source
  ('{"activeRestaurantId": "A"}', 'B', 'A', 'B', null),
  ('{"activeRestaurantId": "A"}', 'junk', 'A', null, null),
  ('{"activeRestaurantId": "A"}', ' ', 'A', null, null),
  ('{"activeRestaurantId": "A"}', E'A\n', 'A', null, null),
  ('{"activeRestaurantId": "A"}', 'A B', 'A', null, null),
  ('{"activeRestaurantId": ""}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "null"}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "A "}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "A\n"}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "{A}"}', 'A', null, 'A', null),
  ('{"activeRestaurantId": "A'' or true --"}', 'A', null, 'A', null),
  ('{"activeRestaurantId": ["A"]}', 'A', null, 'A', null),
  ('{"activeRestaurantId": {"A": "A"}}', 'A', null, 'A', null),
  ('{"activeRestaurantId": 1}', 'A', null, 'A', null),
  ('{"activeRestaurantId": 1.0}', '', null, null, null),
  ('{"activeRestaurantId": false}', 'A', null, 'A', null),
  ('{"activeRestaurantId": null}', 'A', null, 'A', null),
  ('{"activeRestaurantId": []}', 'A', null, 'A', null),
  ('{"activeRestaurantId": {}}', 'A', null, 'A', null);
-- so deep that the parser's stack would not do, so long that nobody sent it as a token
insert into contexts
select claims, 'A', null, 'A', null
from (values (repeat('[', 100000)), (repeat('{"a":', 100000)), (repeat(' ', 100000) || '{"activeRestaurantId": "A"}'),
             (format('{"activeRestaurantId": "A", "padding": "%s"}', repeat('x', 2000000)))) as junk (claims);

-- Whom a context names, and how many rows of all tables can be seen in it.
create function pg_temp.seen(claims text, setting text) returns text
language plpgsql
as $$
declare
  statement text;
  visible bigint;
  total bigint := 0;
  named text;
begin
  perform set_config('request.jwt.claims', claims, true), set_config('app.restaurant_id', setting, true)
  where claims is not null;
  set local role authenticated;
  for statement in select format('select count(*) from %s', relation) from tenant_tables loop
    execute statement into visible;
    total := total + visible;
  end loop;
  named := public.current_restaurant_id();
  reset role;
  return format('%s, %s rows', coalesce(named, 'nobody'), total);
end
$$;

-- What that has to be: a row of each table for a tenant, none for nobody.
create function pg_temp.expected(tenant text) returns text
language sql
as $$
  select case when tenant is null then 'nobody, 0 rows' else format('%s, %s rows', tenant, count(*)) end
    from tenant_tables
$$;

update contexts set
  claims = replace(replace(claims, 'A', mine::text), 'B', other::text),
  setting = replace(replace(setting, 'A', mine::text), 'B', other::text),
  by_claims = replace(replace(by_claims, 'A', mine::text), 'B', other::text),
  by_setting = replace(replace(by_setting, 'A', mine::text), 'B', other::text),
  by_both = replace(replace(by_both, 'A', mine::text), 'B', other::text)
from (select mine, other from tenant_tables limit 1) as tenants;

select plan((11 + 4 * (select count(*) from contexts))::integer);
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

-- The first use of a connection, when the settings do not exist yet.
create or replace function tenancy.context_source() returns text language sql stable return 'both';
select is(pg_temp.seen(null, null), pg_temp.expected(null), 'unset');

select is(pg_temp.seen(claims, setting), pg_temp.expected(by_both),
          format('both: %L and %L', left(claims, 100), replace(setting, E'\n', '\n'))) from contexts;

create or replace function tenancy.context_source() returns text language sql stable return 'claims';
select is(pg_temp.seen(claims, setting), pg_temp.expected(by_claims),
          format('claims: %L and %L', left(claims, 100), replace(setting, E'\n', '\n'))) from contexts;

create or replace function tenancy.context_source() returns text language sql stable return 'setting';
select is(pg_temp.seen(claims, setting), pg_temp.expected(by_setting),
          format('setting: %L and %L', left(claims, 100), replace(setting, E'\n', '\n'))) from contexts;

create or replace function tenancy.context_source() returns text language sql stable return 'nonsense';
select is(pg_temp.seen(claims, setting), pg_temp.expected(null),
          format('nonsense: %L and %L', left(claims, 100), replace(setting, E'\n', '\n'))) from contexts;

create or replace function tenancy.context_source() returns text language sql stable return 'both';
select is(
  pg_temp.seen(format('{"activeRestaurantId": "%s"}', mine), upper(mine::text)), pg_temp.expected(mine::text),
  'upper case is the same tenant'
) from tenant_tables limit 1;

-- One plan for tenant after tenant, as a pooled connection runs it.
prepare visible as select id from public.restaurants;
set local plan_cache_mode = force_generic_plan;
set local role authenticated;
set local request.jwt.claims = '';
set local app.restaurant_id = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
select results_eq('visible', array['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa']::uuid[],
                  'a prepared statement sees the first tenant');
set local app.restaurant_id = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
select results_eq('visible', array['bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb']::uuid[], 'then the second');
set local app.restaurant_id = '';
select is_empty('visible', 'and then nobody');
deallocate visible;

-- A parallel plan, in which no handler may begin a subtransaction.
set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
set local min_parallel_table_scan_size = 0;
set local enable_indexscan = off;
set local enable_indexonlyscan = off;
set local enable_bitmapscan = off;
select lives_ok('select count(*) from public.restaurants', 'a parallel plan raises no error');

-- A single claim, for policies of the application's own.
set local request.jwt.claims = '{"sub": "user", "list": ["user"], "number": 1.0, "object": {}, "nothing": null}';
select is(tenancy.claim('sub'), 'user', 'a claim that is a string');
select is(
  (select array_agg(tenancy.claim(name))
     from unnest(array['list', 'number', 'object', 'nothing', 'absent', null]) as name),
  array[null, null, null, null, null, null], 'claims that are none'
);
set local request.jwt.claims = '["sub"]';
select is(tenancy.claim('sub'), null, 'a claim of claims that are no object');
select is(tenancy.uuid_or_null('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'), 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
          'a uuid');

select * from finish();
rollback;
