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
  'select tenancy.append_only(''public.restaurants'')'
]) as call;

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
  for c in select t.name from unnest(array['text', 'uuid', 'jsonb', 'name', 'char', 'regclass', 'regtype', 'oid']) as t (name) loop
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
  drop domain pg_temp.text, pg_temp.uuid, pg_temp.jsonb, pg_temp.name, pg_temp."char", pg_temp.regclass, pg_temp.regtype, pg_temp.oid;
end
$$;

select plan(count(*)::integer) from calls;
select is(outcome, 'UNDO0', format('%s: %s', role, call)) from calls;

select * from finish();
rollback;
