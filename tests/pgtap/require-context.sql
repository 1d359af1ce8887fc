-- A context is set for the transaction and no longer, and require_restaurant_context() stops code that has none.
begin;
select plan(11);

-- The setting by itself has to count here, whatever this branch is set to.
create or replace function tenancy.context_source() returns text language sql stable return 'both';
set local request.jwt.claims = '';
set local role authenticated;

select throws_ok('select public.require_restaurant_context()', '28000', 'this transaction names no restaurant',
                 'nobody is named');

savepoint before_context;
select lives_ok(
  $$ select public.set_restaurant_context('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa') $$,
  'a tenant role may name its restaurant'
);
select is(public.current_restaurant_id(), 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'it is named');
select is(public.require_restaurant_context(), 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'and that is enough');
rollback to savepoint before_context;
select is(public.current_restaurant_id(), null, 'a rollback takes it back');

select public.set_restaurant_context('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
set local request.jwt.claims = '{"activeRestaurantId": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"}';
select throws_ok('select public.require_restaurant_context()', '28000', null, 'two that disagree name nobody');
select public.set_restaurant_context(null);
select is(public.require_restaurant_context(), 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'NULL clears the setting');
set local request.jwt.claims = '';
select throws_ok('select public.require_restaurant_context()', '28000', null, 'and then nobody is left');

set local role app_background;
select throws_ok('select public.require_restaurant_context()', '28000', null, 'app_background needs one too');
select tenancy.set_job('pgtap');
select is(public.require_restaurant_context(), null, 'unless it names a job');

set local role authenticated;
select throws_ok('select public.require_restaurant_context()', '28000', null, 'which helps no other role');

select * from finish();
rollback;
