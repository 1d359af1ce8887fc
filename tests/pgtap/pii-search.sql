-- Look-ups by e-mail address and phone number find the tenant's own guests, masked, however the value is written, by
-- the index.
begin;

\ir support/pii.sql

select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, full_name, email, phone)
select t, 'Guest ' || n, 'guest' || n || '@guests.example', '+39 010 555 ' || lpad(n::text, 4, '0')
from unnest(array[pg_temp.a(), pg_temp.b()]::uuid[]) as t, generate_series(1, 2000) as n;
reset role;
analyze public.customers;

create function pg_temp.find(what text, value text, context text default pg_temp.a(), key text default pg_temp.key(),
                             as_role text default 'authenticated') returns text
language sql
as $$
  select pg_temp.outcome(as_role, context, key,
                         format(
                             'select string_agg(full_name || email_masked || phone_masked, '','') from '
                             'public.find_customers_by_%s(%L)', what, value))
$$;

select plan(28);

select is(pg_temp.find('email', 'guest7@guests.example'), 'Guest 7g***@g***.example+***07',
          'an address finds its guest, masked');
select is(pg_temp.find('email', ' GUEST7@Guests.Example '), 'Guest 7g***@g***.example+***07', 'in any notation');
select is(pg_temp.find('email', 'ｇuest7@guests.example'), 'Guest 7g***@g***.example+***07', 'in any width');
select is(pg_temp.find('email', U&'gu\0435st7@guests.example'), null, 'a look-alike finds nobody');
select is(pg_temp.find('email', 'nobody@guests.example'), null, 'nor does who is not there');
select is(pg_temp.find('email', v), null, format('nor does %s', coalesce(left(v, 20), 'NULL')))
  from unnest(array[null, '', 'guest7', '%', repeat('a', 10000) || '@x.example']) as v;
select is(pg_temp.find('phone', '+39 010 5550007'), 'Guest 7g***@g***.example+***07', 'a number finds its guest');
select is(pg_temp.find('phone', '0039.010.555-0007'), 'Guest 7g***@g***.example+***07', 'in any notation');
select is(pg_temp.find('phone', '010 555 0007'), 'Guest 7g***@g***.example+***07', 'with the restaurant''s country');
select is(pg_temp.find('phone', '010 555 0007', pg_temp.b()), null, 'which another restaurant has not');
select is(pg_temp.find('email', 'guest7@guests.example', null), null, 'nobody without a context');
select is(pg_temp.find('email', 'guest7@guests.example', pg_temp.a(), null), 'PI001', 'a look-up wants the key');
select is(pg_temp.find('email', 'guest7@guests.example', pg_temp.a(), pg_temp.other_key()), 'PI003',
          'and the right one');
select is(pg_temp.find('email', 'guest7@guests.example', 'cccccccc-cccc-4ccc-8ccc-cccccccccccc'), null,
          'a tenant without keys has nobody');
select is(pg_temp.find('email', 'guest7@guests.example', pg_temp.a(), pg_temp.key(), 'anonymous'), '42501',
          'anonymous finds nobody');
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                          'select count(distinct restaurant_id) from '
                          'public.find_customers_by_email(''guest7@guests.example'')'), '1', 'of one tenant');

-- The plan of what the functions run, as the role that they run as, with the policy on it.
create function pg_temp.plan_of(column_name text, as_role text) returns text
language plpgsql
as $$
declare
  line text;
  answer text := '';
begin
  perform pg_temp.become(as_role, pg_temp.a(), null);
  for line
    in execute format(
        'explain (costs off) select id from public.customers where restaurant_id = %L and %I = '
        '''\x00112233445566778899aabbccddeeff''', pg_temp.a(), column_name) loop
    answer := answer || line || E'\n';
  end loop;
  perform set_config('role', 'none', true);
  return answer;
end
$$;
create temporary table plans as
select c, pg_temp.plan_of(c, 'app_pii') as plan
  from unnest(array['email_search', 'email_search_alt', 'phone_search', 'phone_search_alt']) as c;
select ok(plan ~ ('Index.* Scan.* customers_' || c || '_idx') and plan ~ ('Index Cond: .*' || c || ' = '),
          format('%s: the index serves the look-up', c)) from plans;
select is_empty($$ select * from plans where plan !~ 'InitPlan' $$, 'under row security, which asks for the context');
select is_empty($$ select * from plans where plan ~ 'Seq Scan' $$, 'without reading the table');

-- Nothing that looks like the value is in the index column.
select is(pg_temp.outcome('app_background', null, null,
                          'select count(*) from public.customers as c where encode(email_search, ''escape'') ~ '
                          '''guest'' or email_search = convert_to(email, ''UTF8'')'), '0',
                          'the index column gives nothing away');
select is(
  pg_temp.outcome('app_background', null, null,
                  'select count(*) from public.customers as c join public.customers as d on d.email_search = '
                  'c.email_search and d.restaurant_id <> c.restaurant_id'),
  '0', 'and does not match across tenants');

select * from finish();
rollback;
