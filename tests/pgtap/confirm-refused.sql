-- Whom and what confirm_hold_assignment_tx() refuses: by which name, and leaving nothing behind.
begin;

\ir support/outbox.sql
\ir support/confirm.sql

select pg_temp.add_tables(pg_temp.a(), array['1', '2', '3']), pg_temp.add_tables(pg_temp.b(), array['b1']);
select pg_temp.add_booking(pg_temp.a(), 'mine'), pg_temp.add_booking(pg_temp.b(), 'theirs');
select pg_temp.add_booking(pg_temp.a(), 'gone', status => 'cancelled'),
       pg_temp.add_booking(pg_temp.a(), 'past', status => 'completed');
select pg_temp.add_hold(pg_temp.a(), 'good', array['1']), pg_temp.add_hold(pg_temp.b(), 'foreign', array['b1']);
select pg_temp.add_hold(pg_temp.a(), 'expired', array['2'], expires => '-1 second'),
       pg_temp.add_hold(pg_temp.a(), 'released', array['3'], status => 'released', allocated => false);
select pg_temp.add_hold(pg_temp.a(), 'for another', array['3'], booking => 'gone', allocated => false),
       pg_temp.add_hold(pg_temp.a(), 'early', array['3'], 17);
select pg_temp.add_hold(pg_temp.a(), 'empty', array[]::text[]);

create temporary table refusals (what text, wanted text, got text);
insert into refusals
select c.what, c.wanted, pg_temp.refused(c.tenant, c.booking, c.holds, c.key, c.context)
from (values
  ('no context', null, 'mine', array['good'], 'k', '{}',
   'PT403 | rls_violation | This transaction names no restaurant.'),
  ('another tenant''s booking', pg_temp.a(), 'theirs', array['good'], 'k', '{}',
   'PT403 | rls_violation | There is no such booking here.'),
  ('a booking that is nowhere', pg_temp.a(), 'nowhere', array['good'], 'k', '{}',
   'PT403 | rls_violation | There is no such booking here.'),
  ('another tenant''s hold', pg_temp.a(), 'mine', array['good', 'foreign'], 'k', '{}',
   'PT403 | rls_violation | Not all of these holds are here.'),
  ('a hold that is nowhere', pg_temp.a(), 'mine', array['good', 'nowhere'], 'k', '{}',
   'PT403 | rls_violation | Not all of these holds are here.'),
  ('a context for another restaurant', pg_temp.a(), 'mine', array['good'], 'k',
   format('{"restaurant_id": "%s"}', pg_temp.b()), 'PT403 | rls_violation'),
  ('an expired hold', pg_temp.a(), 'mine', array['good', 'expired'], 'k', '{}',
   'PT409 | conflict_error | A hold has expired.'),
  ('a released hold', pg_temp.a(), 'mine', array['good', 'released'], 'k', '{}',
   'PT409 | conflict_error | A hold has been confirmed, released or expired already.'),
  ('a hold for another booking', pg_temp.a(), 'mine', array['good', 'for another'], 'k', '{}',
   'PT409 | conflict_error | A hold is for another booking.'),
  ('a hold for another time', pg_temp.a(), 'mine', array['good', 'early'], 'k', '{}',
   'PT409 | conflict_error | A hold does not cover the time of the booking.'),
  ('a hold without tables', pg_temp.a(), 'mine', array['good', 'empty'], 'k', '{}',
   'PT409 | conflict_error | A hold keeps no table.'),
  ('a cancelled booking', pg_temp.a(), 'gone', array['good'], 'k', '{}',
   'PT409 | conflict_error | The booking is over or cancelled.'),
  ('a completed booking', pg_temp.a(), 'past', array['good'], 'k', '{}',
   'PT409 | conflict_error | The booking is over or cancelled.'),
  ('no hold', pg_temp.a(), 'mine', array[]::text[], 'k', '{}', 'PT400 | invalid_request | hold_ids is empty.'),
  ('NULL for the holds', pg_temp.a(), 'mine', null, 'k', '{}', 'PT400 | invalid_request | hold_ids is empty.'),
  ('a NULL among the holds', pg_temp.a(), 'mine', array['good', null], 'k', '{}',
   'PT400 | invalid_request | hold_ids has an element that is null.'),
  ('a hold twice', pg_temp.a(), 'mine', array['good', 'good'], 'k', '{}',
   'PT400 | invalid_request | hold_ids names a hold twice.'),
  ('too many holds', pg_temp.a(), 'mine', array(select n::text from generate_series(1, 51) as n), 'k', '{}',
   'PT400 | invalid_request | hold_ids has more than 50 elements.'),
  ('no booking', pg_temp.a(), null, array['good'], 'k', '{}', 'PT400 | invalid_request | booking_id is missing.'),
  ('no key', pg_temp.a(), 'mine', array['good'], null, '{}', 'PT400 | invalid_request | idempotency_key is missing.'),
  ('a blank key', pg_temp.a(), 'mine', array['good'], '  ', '{}',
   'PT400 | invalid_request | idempotency_key is missing.'),
  ('a long key', pg_temp.a(), 'mine', array['good'], repeat('k', 201), '{}',
   'PT400 | invalid_request | idempotency_key is longer than 200 characters.'),
  ('a context that is a list', pg_temp.a(), 'mine', array['good'], 'k', '[]',
   'PT400 | invalid_request | context is no JSON object.')
) as c (what, tenant, booking, holds, key, context, wanted);

select plan(23 + 21);
select is(left(got, length(wanted)), wanted, what) from refusals;
select is(pg_temp.left_behind(), '0 0 0 0 0', 'none of them left anything');
select is(pg_temp.job(format('select count(*) from public.allocations where hold_id = %L', pg_temp.id('good'))),
          '1', 'and the good hold keeps its table');
select is(
  (select got from refusals where what = 'another tenant''s booking'),
  (select got from refusals where what = 'a booking that is nowhere'),
  'an error does not tell a booking of somebody else from none');
select is(
  (select got from refusals where what = 'another tenant''s hold'),
  (select got from refusals where what = 'a hold that is nowhere'), 'nor a hold');
select is(
  (select array_agg(what)
     from refusals,
          (values (pg_temp.b()), (pg_temp.a()), (pg_temp.id('mine')::text), (pg_temp.id('theirs')::text),
           (pg_temp.id('foreign')::text), (pg_temp.id('good')::text)) as s (secret)
   where got like '%' || secret || '%'),
  null, 'no error quotes an id');

-- Roles.
select is(pg_temp.outcome('anonymous', pg_temp.a(), pg_temp.call('mine', array['good'], 'k')), '42501',
          'anonymous may not call it');
select matches(
  pg_temp.refusal('app_background', null, pg_temp.call('mine', array['good'], 'k')), '^PT403 \| rls_violation',
  'a job that names no restaurant confirms nothing');
select ok(not prosecdef, 'it runs with the rights of the caller') from pg_proc
 where oid = 'public.confirm_hold_assignment_tx(uuid, uuid[], text, jsonb)'::regprocedure;
revoke insert on public.allocation_ledger from authenticated;
select matches(pg_temp.refused(pg_temp.a(), 'mine', array['good'], 'k'),
               '^PT403 \| rls_violation \| Row security or a missing privilege',
               'a privilege that the caller lacks stops it');
grant insert on public.allocation_ledger to authenticated;
create policy nobody on public.allocation_ledger as restrictive for insert to authenticated with check (false);
select matches(pg_temp.refused(pg_temp.a(), 'mine', array['good'], 'k'), '^PT403 \| rls_violation',
               'and so does a policy');
drop policy nobody on public.allocation_ledger;
select is(pg_temp.left_behind(), '0 0 0 0 0', 'late as it comes, all is undone');

-- Only the last step fails: nothing of those before remains.
alter table public.confirmations add constraint broken check (false) not valid;
select is(pg_temp.confirm(pg_temp.a(), 'mine', array['good'], 'k'), '23514',
          'what is nobody''s fault keeps its SQLSTATE');
select is(pg_temp.left_behind(), '0 0 0 0 0', 'and everything is undone');
select is(pg_temp.job(format('select concat_ws('' '', status, booking_id) from public.table_holds where id = %L',
                             pg_temp.id('good'))), 'active', 'the hold is as it was');
alter table public.confirmations drop constraint broken;

-- After a refusal the same key is as good as new.
select matches(pg_temp.confirm(pg_temp.a(), 'mine', array['good'], 'k'), '^\{', 'the same key confirms after errors');
select pg_temp.add_booking(pg_temp.a(), 'second');
select matches(pg_temp.refused(pg_temp.a(), 'second', array['good'], 'k2'),
               '^PT409 \| conflict_error \| A hold has been confirmed', 'a hold is used once');

-- Overlaps, as the exclusion constraint sees them: holds that have not taken their tables.
select pg_temp.add_hold(pg_temp.a(), 'overlap', array['1'], allocated => false);
select is(
  pg_temp.refused(pg_temp.a(), 'second', array['overlap'], 'k3'),
  'PT409 | conflict_error | A table is taken at that time. | Take new holds and confirm those, with a new key.',
  'a table that is taken at that time');
select pg_temp.add_hold(pg_temp.a(), 'again', array['1'], 21), pg_temp.add_booking(pg_temp.a(), 'mine later', 21);
select matches(pg_temp.confirm(pg_temp.a(), 'mine later', array['again'], 'k4'), '^\{',
               'one party comes as another goes');
select pg_temp.add_booking(pg_temp.a(), 'brunch', 10), pg_temp.add_hold(pg_temp.a(), 'brunch 2', array['2'], 10),
       pg_temp.add_hold(pg_temp.a(), 'brunch 2 again', array['2'], 10, allocated => false);
select is(split_part(pg_temp.refused(pg_temp.a(), 'brunch', array['brunch 2', 'brunch 2 again'], 'k5'), ' | ', 2),
          'conflict_error', 'two holds for one table at one time');
select matches(pg_temp.confirm(pg_temp.a(), 'brunch', array['brunch 2'], 'k6'), '^\{', 'one of them does');
select is(pg_temp.left_behind(), '3 3 3 3 3', 'what was refused has left nothing');

select * from finish();
rollback;
