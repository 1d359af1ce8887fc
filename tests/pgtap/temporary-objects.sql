-- Types in the temporary schema of a session do not get into the functions of tenant isolation. By name they would come
-- first, and the check of such a domain would run as whoever uses the connection next.
begin;

create temporary table calls as
select role, call, 'not called' as outcome
from unnest(array['authenticated', 'app_background']) as role,
  unnest(array[
    'select public.current_restaurant_id()',
    'select public.require_restaurant_context()',
    'select public.set_restaurant_context(null)',
    'select tenancy.claims()',
    'select tenancy.claim(''sub'')',
    'select tenancy.is_background()',
    'select tenancy.set_job(''pgtap'')',
    'select from public.restaurants'
  ]) as call
union all
select current_user, call, 'not called'
from unnest(array[
  'select tenancy.protect(''public.restaurants'', ''id'')',
  'select tenancy.append_only(''public.restaurants'')',
  'select pii.protect(''public.customers'', ''restaurant_id'', ''id'', ''{"email": {"kind": "email"}}'')',
  'select pii.move_to(''public.customers'', ''backfilled'')'
]) as call
union all
select 'authenticated', call, 'not called'
from unnest(array[
  'insert into public.customers (restaurant_id, full_name, email, phone) values '
  '(''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'', ''Ada'', ''ada@guests.example'', ''+390105550101'')',
  'select from public.customers_secure_view',
  'select from public.find_customers_by_email(''ada@guests.example'')',
  'select from public.find_customers_by_phone(''+390105550101'')'
]) as call
union all
select 'pii_reader', call, 'not called'
from unnest(array['select * from public.customers_private_view', 'select * from public.customers_admin_view']) as call
union all
select 'app_background', call, 'not called'
from unnest(array[
  'select pii.seal_batch(''public.customers'', 10)',
  'select pii.check_batch(''public.customers'', 10)',
  'select pii.status(''public.customers'')',
  'select pii.key_status()',
  'select pii.begin_rotation()',
  'select pii.finish_rotation()',
  'select pii.rewrap()',
  'select pii.check_key()',
  'select pii.forget_next_key()',
  'select pii.find_customer(''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'', ''11111111-1111-4111-8111-111111111111'')',
  'select pii.erase_customer(''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'', ''11111111-1111-4111-8111-111111111111'')',
  'select pii.erase_tenant(''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'')',
  'select pii.export_customer(''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'', ''11111111-1111-4111-8111-111111111111'')'
]) as call;

-- A guest of a tenant that has a key, so that all of it has something to do.
set local role app_background;
set local app.job = 'pgtap';
select set_config('app.pii.key', repeat('ab', 32), true), set_config('app.pii.next_key', repeat('cd', 32), true);
insert into public.restaurants (id, name, time_zone, currency)
  values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'Mine', 'UTC', 'EUR');
insert into public.customers (restaurant_id, id, full_name, email)
values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'Bilal',
        'bilal@guests.example');
reset role;

create function pg_temp.spy() returns boolean
language plpgsql
as $$
begin
  raise sqlstate 'SPY00';
end
$$;

-- In one block, so that the functions look up their types while the domains are there and pgTAP does not.
do $$
declare
  c record;
begin
  perform set_config('app.restaurant_id', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', true);
  perform set_config('request.jwt.claims', '{"activeRestaurantId": "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}', true);
  for c in select t.name
             from unnest(array['text', 'uuid', 'jsonb', 'name', 'char', 'regclass', 'regtype', 'oid', 'bytea',
                               'int2', 'int4', 'int8', 'bool']) as t (name) loop
    execute format('create domain pg_temp.%I as pg_catalog.%1$I check (pg_temp.spy())', c.name);
  end loop;
  for c in select ctid, role, call from calls loop
    begin
      perform set_config('role', c.role, true);
      execute c.call;
      raise sqlstate 'UNDO0';
    exception
      when others then
        update calls set outcome = sqlstate where ctid = c.ctid;
    end;
  end loop;
  drop domain pg_temp.text, pg_temp.uuid, pg_temp.jsonb, pg_temp.name, pg_temp."char", pg_temp.regclass,
  pg_temp.regtype, pg_temp.oid,
    pg_temp.bytea, pg_temp.int2, pg_temp.int4, pg_temp.int8, pg_temp.bool;
end
$$;

select plan(count(*)::integer) from calls;
select is(outcome, 'UNDO0', format('%s: %s', role, call)) from calls;

select * from finish();
rollback;
