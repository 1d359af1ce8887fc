-- New keys: look-ups, reads and writes go on in every moment, with the old configured key and with the next; nothing is
-- finished while a value is under an old key; afterwards the old one opens nothing.
begin;

\ir support/pii.sql

create function pg_temp.job(statement text, key text default pg_temp.key(), next_key text default null) returns text
language plpgsql
as $$
begin
  perform set_config('app.pii.next_key', coalesce(next_key, ''), true);
  return pg_temp.outcome('app_background', null, key, statement);
end
$$;
create function pg_temp.find(email text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('authenticated', pg_temp.a(), key,
                             format('select full_name from public.find_customers_by_email(%L)', email)) $$;
create function pg_temp.read(name text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('pii_reader', pg_temp.a(), key,
                             format('select email from public.customers_private_view where full_name = %L', name)) $$;
create function pg_temp.add(name text, email text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('authenticated', pg_temp.a(), key,
                             format(
                                 'insert into public.customers (restaurant_id, full_name, email, phone) values (%L, '
                                 '%L, %L, ''+39 010 5550199'')', pg_temp.a(), name, email)) $$;

select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, full_name, email, phone)
select t, 'Guest ' || n, 'guest' || n || '@guests.example', '+39 010 555 ' || lpad(n::text, 4, '0')
from unnest(array[pg_temp.a(), pg_temp.b()]::uuid[]) as t, generate_series(1, 20) as n;
reset role;

select plan(54);

select is(pg_temp.job('select pii.finish_rotation()'), '0', 'there is nothing to finish');
select is(pg_temp.outcome(r, pg_temp.a(), pg_temp.key(), 'select ' || f), '42501', format('%s: %s', r, f))
from unnest(array['authenticated', 'pii_reader']) as r,
     unnest(array['pii.begin_rotation()', 'pii.finish_rotation()', 'pii.rewrap()', 'pii.key_status()']) as f;
select is(pg_temp.job('select pii.begin_rotation()', null), 'PI001', 'no rotation without the key');
select is(pg_temp.job('select pii.begin_rotation()', pg_temp.other_key()), 'PI003', 'nor with another');
select is(pg_temp.job('select pii.begin_rotation()', pg_temp.key(), pg_temp.key()), 'PI021',
          'the next one has to be another');
select is(pg_temp.job('select pii.begin_rotation()', pg_temp.key(), 'abc'), 'PI002', 'and a key');

select is(pg_temp.job('select pii.begin_rotation()', pg_temp.key(), pg_temp.other_key()), '2',
          'every tenant gets a new key');
select is(pg_temp.job('select pii.begin_rotation()', pg_temp.key(), pg_temp.other_key()), '0', 'once');
select is(
    pg_temp.job(
        'select string_agg(kid || state || (next_wrapped_under is not null), '' '' order by kid) from pii.key_status() '
        'where restaurant_id = ''' || pg_temp.a() || ''''), '1retiringtrue 2activetrue',
        'beside the old one, both under both configured keys');
select is(pg_temp.job('select sum(stale) from pii.status(''public.customers'')'), '80', 'all is under the old one');

-- In between, with the old configured key and with the next.
select is(pg_temp.find('guest3@guests.example', k), 'Guest 3', 'a look-up finds what is under the old key')
  from unnest(array[pg_temp.key(), pg_temp.other_key()]) as k;
select is(pg_temp.read('Guest 3', k), 'guest3@guests.example', 'it opens')
  from unnest(array[pg_temp.key(), pg_temp.other_key()]) as k;
select is(pg_temp.add('New', 'new@guests.example', pg_temp.key()), '1', 'a new row with the old configured key');
select is(pg_temp.add('Newer', 'newer@guests.example', pg_temp.other_key()), '1', 'and one with the next');
select is(
    pg_temp.job(
        'select string_agg(pii.kid_of(email_encrypted) || '' '' || num_nonnulls(email_search, email_search_alt, '
        'phone_search, phone_search_alt), '','') from public.customers where full_name like ''New%'''), '2 4,2 4',
        'are sealed under the new data key, and indexed under both');
select is(pg_temp.find('new@guests.example', k) || pg_temp.find('newer@guests.example', k), 'NewNewer', 'found')
  from unnest(array[pg_temp.key(), pg_temp.other_key()]) as k;
select is(pg_temp.add('Twice', 'GUEST3@guests.example', pg_temp.other_key()), '23505',
          'an address that is there under the old key is there');
-- That was the plaintext column's doing too; the index has to say so by itself.
savepoint by_index;
alter table public.customers drop constraint customers_restaurant_id_email_normalized_key;
select is(pg_temp.add('Twice', 'GUEST3@guests.example', pg_temp.other_key()), '23505', 'by its blind index alone');
rollback to savepoint by_index;
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.other_key()), 'PI021',
          'not finished while values are under the old key');

-- Half of it
select is(
    pg_temp.job('select changed || '' '' || failed || '' '' || finished from pii.seal_batch(''public.customers'', 25)',
                pg_temp.other_key()), '25 0 false', 'a batch with the next configured key');
select is(pg_temp.job('select sum(stale) from pii.status(''public.customers'')'), '30', 'does its part');
select is(count(*), 0::bigint, 'every guest is found all the while')
from generate_series(1, 20) as n
where pg_temp.find('guest' || n || '@guests.example', pg_temp.other_key()) is distinct from 'Guest ' || n;
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.other_key()), 'PI021', 'still not finished');
select is(pg_temp.job('select changed || '' '' || finished from pii.seal_batch(''public.customers'', 25)',
                      pg_temp.key()), '15 true', 'the rest, with the old configured key');
select is(pg_temp.job('select sum(stale) from pii.status(''public.customers'')'), '0', 'nothing is left');
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.key()), 'PI021',
          'not finished by who has the old configured key only');
-- A tenant that came in between, and knows the old one only.
select pg_temp.become('app_background', null, pg_temp.key());
insert into public.restaurants (id, name, time_zone, currency)
  values ('cccccccc-cccc-4ccc-8ccc-cccccccccccc', 'Late', 'UTC', 'EUR');
insert into public.customers (restaurant_id, full_name, email)
  values ('cccccccc-cccc-4ccc-8ccc-cccccccccccc', 'Late', 'late@guests.example');
reset role;
select is(pg_temp.job('select pii.keys_left_behind()', pg_temp.other_key()), '1',
          'a tenant that came in between is left behind');
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.other_key()), 'PI021', 'and is waited for');
select is(pg_temp.job('select pii.rewrap()', pg_temp.key(), pg_temp.other_key()), '1', 'its key is wrapped too');
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.other_key()), '2', 'finished');
select is(
    pg_temp.job(
        'select string_agg(state || coalesce(wrapped_under, ''-''), '' '' order by kid) from pii.key_status() where '
        'restaurant_id = ''' || pg_temp.a() || ''''),
  'destroyed- active' || encode(substr(sha256('pii wrapping id'::bytea || decode(pg_temp.other_key(), 'hex')), 1, 8),
                                'hex'), 'the old key is destroyed, the new one under the new configured key only');
select is(pg_temp.find('guest3@guests.example', pg_temp.other_key()), 'Guest 3', 'a look-up finds it');
select is(pg_temp.read('Guest 3', pg_temp.other_key()), 'guest3@guests.example', 'and it opens');
select is(pg_temp.read('Guest 3', pg_temp.key()), 'PI003', 'with the old configured key no more');
select is(pg_temp.add('Old', 'old@guests.example', pg_temp.key()), 'PI003', 'nor is anything written');
select is(pg_temp.add('Again', 'again@guests.example', pg_temp.other_key()), '1', 'with the new one it is');
select is(
    pg_temp.job(
        'select num_nonnulls(email_search, phone_search) || '' '' || num_nonnulls(email_search_alt, phone_search_alt) '
        'from public.customers where full_name = ''Again'''), '0 2', 'indexed under the one key there is');
select is(
    pg_temp.job(
        'select checked || '' '' || damaged || '' '' || differing from pii.check_batch(''public.customers'', 1000)',
        pg_temp.other_key()), '44 0 0', 'everything opens and is what it was');
select is(pg_temp.job('select pii.finish_rewrap()', pg_temp.key()), 'PI021',
          'the late tenant''s change is not finished with the old key');
select is(pg_temp.job('select pii.finish_rewrap()', pg_temp.other_key()), '1', 'but with the new');

-- Once more, the data key only: ids are odd again.
select is(pg_temp.job('select pii.begin_rotation(''' || pg_temp.a() || ''')', pg_temp.other_key()), '1',
          'one tenant''s data key');
select is(pg_temp.job('select count(*) from pii.seal_batch(''public.customers'', 1000)', pg_temp.other_key()),
          '1', 'its rows');
select is(pg_temp.job('select pii.finish_rotation()', pg_temp.other_key()), '1', 'done');
select is(pg_temp.find('guest3@guests.example', pg_temp.other_key()) || pg_temp.read('Guest 3', pg_temp.other_key()),
          'Guest 3guest3@guests.example', 'found and opened');

select * from finish();
rollback;
