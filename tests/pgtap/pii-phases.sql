-- The roll-out over a table that has rows already: no phase is entered whose condition does not hold, every one can be
-- left backwards until plaintext goes, nothing is lost on the way, and at the end nothing stands in clear.
begin;

\ir support/pii.sql

create function pg_temp.move(phase text, key text default pg_temp.key()) returns text
language plpgsql
as $$
begin
  perform pg_temp.become('none', null, key);
  return pii.move_to('public.customers', phase);
exception
  when others then
    return sqlstate || ' ' || sqlerrm;
end
$$;
create function pg_temp.count(condition text) returns bigint
language sql
as $$
  select pg_temp.outcome('app_background', null, null,
    format('select count(*) from public.customers where restaurant_id in (%L, %L) and %s', pg_temp.a(), pg_temp.b(),
           condition))::bigint
$$;
create function pg_temp.batch(what text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('app_background', null, key, 'select row(b.*)::text from pii.' || what || ' as b') $$;
create function pg_temp.status(what text) returns text
language sql
as $$ select pg_temp.outcome('app_background', null, null, 'select string_agg(' || what
                             || '::text, '' '' order by column_name) from pii.status(''public.customers'')') $$;

-- As they were before there was a trigger.
alter table public.customers disable trigger user;
select pg_temp.become('app_background', null, null);
insert into public.customers (restaurant_id, full_name, email, phone)
select t, 'Guest ' || n, 'Guest' || n || '@guests.example', '+39 010 555 ' || lpad(n::text, 4, '0')
from unnest(array[pg_temp.a(), pg_temp.b()]::uuid[]) as t, generate_series(1, 50) as n;
insert into public.customers (restaurant_id, full_name, email, phone) values
  (pg_temp.a()::uuid, 'Odd', 'not an address', '12'), (pg_temp.a()::uuid, 'None', null, null);
-- The last ones of their tenant, so that the first batch has none of them.
insert into public.customers (restaurant_id, id, full_name, email, phone) values
  (pg_temp.a()::uuid, 'ffffffff-ffff-4fff-8fff-ffffffffff01', 'Twin', 'ｔｗｉｎ@guests.example', null),
  (pg_temp.a()::uuid, 'ffffffff-ffff-4fff-8fff-ffffffffff02', 'Other twin', 'twin@guests.example', null),
  (pg_temp.a()::uuid, 'ffffffff-ffff-4fff-8fff-ffffffffff03', 'Blank', ' ', '');
reset role;
alter table public.customers enable trigger user;

select plan(70);

select is(pii.phase('public.customers'), 'expand', 'the migrations leave the table in phase expand');
select is(pg_temp.move('dropped'), '22023 ''dropped'' is no phase', 'a phase that is none');
select matches(pg_temp.move(p), '^PI020 .*comes first', format('not to %s at once', p))
  from unnest(array['verified', 'switched', 'retiring', 'retired']) as p;
select matches(pg_temp.move('backfilled'), '^PI020 .*104 values of email are not sealed, 10[12] values of phone',
               'not before all is sealed');
select is(pg_temp.status('unsealed'), '104 102', 'status counts what is not');
select is(pg_temp.outcome('app_background', pg_temp.a(), null,
                          'update public.customers set notes = ''x'' where full_name = ''Guest 1'''), '2',
                          'rows that are not sealed yet may change otherwise');

-- Backfill
select is(pg_temp.outcome(r, pg_temp.a(), pg_temp.key(), 'select pii.seal_batch(''public.customers'', 10)'), '42501',
          format('%s runs no batch', r)) from unnest(array['authenticated', 'pii_reader']) as r;
select is(pg_temp.batch('seal_batch(''public.customers'', 10)', null), 'PI001', 'no batch without the key');
select is(pg_temp.batch('seal_batch(''public.customers'', 0)'), '22023', 'no batch of nothing');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select b.changed || '' '' || b.failed || '' '' || b.finished from '
                          'pii.seal_batch(''public.customers'', 40) as b'), '40 0 false', 'a batch');
select is(pg_temp.count('num_nonnulls(email_encrypted, phone_encrypted) > 0'), 40::bigint, 'is that many rows');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select b.changed + b.failed || '' '' || b.finished from '
                          'pii.seal_batch(''public.customers'', 1000) as b'), '64 true',
                          'the next begins where it ended, although nothing is remembered');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select b.changed || '' '' || b.failed || '' '' || (b.problems -> 0 ->> ''sqlstate'') from '
                          'pii.seal_batch(''public.customers'', 1000) as b'), '0 1 23505',
                          'two that are the same once normalised are a problem of one row');
select matches(pg_temp.move('backfilled'), '^PI020 .*1 values of email are not sealed',
               'which somebody has to solve first');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'delete from public.customers where full_name like ''%win'' and email_encrypted is null'),
                          '1', 'somebody does');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select b.changed || '' '' || b.failed || '' '' || b.finished from '
                          'pii.seal_batch(''public.customers'', 1000) as b'), '0 0 true', 'nothing is left');
select is(
    pg_temp.count('email is not null and email_encrypted is null or phone is not null and phone_encrypted is null'),
    0::bigint, 'all is sealed');
select is(pg_temp.status('unsearchable'), '1 1', 'what is no address or number is sealed as it was, and told');
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                          'select email || phone || email_masked || phone_masked from public.customers_admin_view '
                          'where full_name = ''Odd'''), 'not an address12******', 'and opens');
select is(pg_temp.count('full_name = ''Blank'' and num_nonnulls(email, phone, email_encrypted, phone_encrypted) = 0'),
          1::bigint, 'blanks are nothing');

-- A broken index stops it.
savepoint no_index;
drop index public.customers_phone_search_idx;
select matches(pg_temp.move('backfilled'),
               '^PI020 .*create index concurrently if not exists customers_phone_search_idx',
               'not without the indexes');
rollback to savepoint no_index;
select is(pg_temp.move('backfilled'), 'backfilled', 'to backfilled');
select is(pii.phase('public.customers'), 'backfilled', 'there');
select is(pg_temp.move('backfilled'), 'backfilled', 'once more is no move');
select throws_ok(
  $$ do $x$ begin perform pg_temp.become('app_background', null, null); set constraints all immediate;
     alter table public.customers disable trigger user; end $x$ $$, '42501', null,
     'a job does not switch the trigger off');
select is(pg_temp.move('expand'), 'expand', 'and back');
select is(pg_temp.move('backfilled'), 'backfilled', 'and forth');

-- Verify
select matches(pg_temp.move('verified', null), '^PI001', 'to verified it opens every value: not without the key');
select matches(pg_temp.move('verified', pg_temp.other_key()), '^PI003', 'nor with another');
savepoint damaged;
alter table public.customers disable trigger user;
select pg_temp.become('app_background', null, null);
update public.customers set email_encrypted = set_byte(email_encrypted, 30, get_byte(email_encrypted, 30) # 1)
  where full_name = 'Guest 3' and restaurant_id = pg_temp.a()::uuid;
update public.customers set phone_encrypted = email_encrypted
  where full_name = 'Guest 4' and restaurant_id = pg_temp.a()::uuid;
reset role;
alter table public.customers enable trigger user;
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select checked || '' '' || damaged || '' '' || differing || '' '' || '
                          'jsonb_array_length(problems) from pii.check_batch(''public.customers'', 1000)'), '104 2 0 2',
                          'a damaged value and a swapped one are found');
select matches(pg_temp.move('verified'), '^PI020 .*2 values do not open', 'not to verified with them');
rollback to savepoint damaged;
alter table public.customers disable trigger user;
select pg_temp.become('app_background', null, null);
update public.customers set email = 'changed@guests.example'
  where full_name = 'Guest 5' and restaurant_id = pg_temp.a()::uuid;
reset role;
alter table public.customers enable trigger user;
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select checked || '' '' || damaged || '' '' || differing from '
                          'pii.check_batch(''public.customers'', 1000)'), '104 0 1',
                          'a value that is not what stands in clear is found');
select matches(pg_temp.move('verified'), '^PI020 .*1 are not what stands in clear', 'not to verified with it');
rollback to savepoint damaged;
select is(pg_temp.move('verified'), 'verified', 'to verified');
select is_empty($$ select conname from pg_constraint
                    where conrelid = 'public.customers'::regclass and conname like '%is\_sealed'
                      and not convalidated $$, 'the constraints are validated');
select is(count(*), 2::bigint, 'both') from pg_constraint
 where conrelid = 'public.customers'::regclass and conname like '%is\_sealed';
select matches(pg_temp.move('expand'), '^PI020 .*one step back', 'back in steps');

-- Switch
select is(pg_temp.move('switched'), 'switched', 'to switched');
select is(has_column_privilege('authenticated', 'public.customers', 'email', 'select'), false,
          'tenants do not read plaintext');
select is(has_column_privilege('authenticated', 'public.customers', 'id', 'select'), true, 'but keys');
select is(pg_temp.move('verified'), 'verified', 'back');
select is(has_column_privilege('authenticated', 'public.customers', 'email', 'select'), true, 'and they do');
select is(pg_temp.move('switched'), 'switched', 'and forth');

-- Retire
select is(pg_temp.move('retiring'), 'retiring', 'to retiring');
select matches(pg_temp.move('switched'), '^PI020 .*plaintext is dropped', 'from where nothing leads back');
select matches(pg_temp.move('retired'), '^PI020 .*values of email stand in clear', 'not on while some stands in clear');
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                          format(
                              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''New'', '
                              '''new@guests.example'')', pg_temp.a())), '1', 'a new guest');
select is(pg_temp.count('full_name = ''New'' and email is null and email_encrypted is not null'), 1::bigint,
          'is sealed only');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          'update public.customers set notes = ''x'' where id = (select id from '
                          'public.customers_secure_view where full_name = ''Guest 7'')'), '1',
                          'a row that stands in clear is changed');
select is(
    pg_temp.count(
        'full_name = ''Guest 7'' and email is null and phone is null and num_nonnulls(email_encrypted, '
        'phone_encrypted) = 2'), 1::bigint, 'and does no more');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select b.changed || '' '' || b.finished from pii.seal_batch(''public.customers'', 1000) as b'), '101 true', 'a batch clears the others');
select is(pg_temp.count('num_nonnulls(email, phone, email_normalized, phone_normalized) > 0'), 0::bigint,
          'nothing stands in clear');
select is(pg_temp.move('retired'), 'retired', 'to retired');
select is_empty($$ select conname from pg_constraint
                    where conrelid = 'public.customers'::regclass and conname like '%is\_not\_in\_clear'
                      and not convalidated $$, 'the constraints are validated');
select is(count(*), 2::bigint, 'both') from pg_constraint
 where conrelid = 'public.customers'::regclass and conname like '%is\_not\_in\_clear';
select is_empty($$ select attname from pg_attribute
                    where attrelid = 'public.customers'::regclass
                      and attname in ('email_normalized', 'phone_normalized') and not attisdropped $$,
                          'what was derived from plaintext is gone');
select matches(pg_temp.move(p), '^PI020', format('not back to %s', p)) from unnest(array['retiring', 'expand']) as p;
alter table public.customers disable trigger user;
select is(pg_temp.outcome('app_background', null, null,
                          'update public.customers set email = ''x@guests.example'' where full_name = ''Guest 1'''),
                          '23514', 'even without the trigger nothing is stored in clear');
alter table public.customers enable trigger user;
select is(pg_temp.count('email_encrypted is not null'), 103::bigint, 'every value is there');
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                          'select count(*) from public.customers_private_view where email = ''Guest'' || '
                          'substr(full_name, 7) || ''@guests.example'' and phone is not null'), '50',
                          'and opens as it was given');
select is(pg_temp.outcome('authenticated', pg_temp.b(), pg_temp.key(),
                          'select full_name from public.find_customers_by_email(''guest50@guests.example'')'),
                          'Guest 50', 'and is found');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select checked || '' '' || damaged || '' '' || differing from '
                          'pii.check_batch(''public.customers'', 1000)'), '105 0 0', 'and verified');
select is(pg_temp.outcome(r, pg_temp.a(), pg_temp.key(), 'select pii.move_to(''public.customers'', ''expand'')'),
          '42501', format('%s moves nothing', r))
from unnest(array['authenticated', 'app_background', 'pii_reader']) as r;

select * from finish();
rollback;
