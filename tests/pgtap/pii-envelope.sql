-- A sealed value opens in its place and nowhere else: not under another key, in another row, column or tenant, not cut,
-- and not with a bit changed. What does not open is an error with a code, never some other text.
begin;

\ir support/pii.sql

-- What the job sees goes into a table of its own; it is rolled back with the rest.
do $$ begin execute format('grant temporary on database %I to app_background', current_database()); end $$;
select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, id, full_name, email, phone)
values
  (pg_temp.a()::uuid, pg_temp.ada()::uuid, 'Ada', 'Ada@guests.example', '+390105550101'),
  (pg_temp.a()::uuid, '22222222-2222-4222-8222-222222222222', 'Bilal', 'bilal@guests.example', null),
  (pg_temp.b()::uuid, pg_temp.ada()::uuid, 'Ada', 'Ada@guests.example', '+390105550101');
create temporary table sealed as select restaurant_id, id, email_encrypted, phone_encrypted, email_search
                                   from public.customers
where restaurant_id in (pg_temp.a()::uuid, pg_temp.b()::uuid);
grant select on sealed to public;
reset role;

create function pg_temp.open(tenant text, place text, id text, value bytea, key text default pg_temp.key(),
                             context text default pg_temp.a()) returns text
language sql
as $$
  select pg_temp.outcome('pii_reader', context, key,
                         format('select pii.open(%L, %L, %L, %L)', tenant, place, id, value))
$$;
create temporary table good as
select email_encrypted as value from sealed where restaurant_id = pg_temp.a()::uuid and id = pg_temp.ada()::uuid;
create temporary table bits as
select n, b,
       pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(),
                    set_byte(value, n, get_byte(value, n) # (1 << b))) as outcome
from good, generate_series(0, octet_length(value) - 1) as n, unnest(array[0, 3, 7]) as b;
create temporary table cuts as
select n, pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), substr(value, 1, n)) as outcome
from good, generate_series(0, octet_length(value) - 1) as n;

select plan(25);

select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value), 'Ada@guests.example',
          'it opens in its place, as it was given') from good;
select is(octet_length(value), 1 + 2 + 16 + 32 + 16, 'version, key id, iv, two blocks, MAC') from good;
select is(substr(value, 1, 3), '\x010001'::bytea, 'version 1, key 1') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), null), null, 'NULL is NULL');
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value, pg_temp.other_key()), 'PI003',
          'another configured key') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value, null), 'PI001', 'no key') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', '22222222-2222-4222-8222-222222222222', value),
          'PI004', 'another row') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.phone', pg_temp.ada(), value), 'PI004', 'another column')
  from good;
select is(pg_temp.open(pg_temp.b(), 'public.customers.email', pg_temp.ada(), value, context => pg_temp.b()), 'PI004',
          'another tenant''s value, the row of the same id') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), email_encrypted), 'PI004',
          'and the other way round')
from sealed where restaurant_id = pg_temp.b()::uuid;
select is(pg_temp.open(pg_temp.b(), 'public.customers.email', pg_temp.ada(), value), '42501',
          'for a tenant that is not in the context') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value, context => null), '42501',
          'without a context') from good;
select isnt_empty('select from bits', 'bits were changed');
select is_empty($$ select n, b, outcome from bits where outcome !~ '^PI00[45]$' $$, 'no changed bit opens');
select is_empty($$ select n, b, outcome from bits where n > 2 and outcome <> 'PI004' $$,
                'iv, ciphertext and MAC are authenticated');
select is_empty($$ select n, outcome from cuts
                    where outcome <> case when n >= 51 and (n - 35) % 16 = 0 then 'PI004' else 'PI005' end $$,
                          'cut anywhere it does not open');
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value || '\x00'::bytea), 'PI005',
          'a byte more') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), value || repeat('x', 16)::bytea),
          'PI004', 'a block more') from good;
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), '\x'), 'PI005', 'nothing');
select is(pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(), 'Ada@guests.example'), 'PI005',
          'plaintext in the place of a sealed value');
select is(
  pg_temp.open(pg_temp.a(), 'public.customers.email', pg_temp.ada(),
               substr(value, 1, 3) || substr(b.email_encrypted, 4)),
  'PI004', 'the body of another row under this header'
) from good, sealed as b where b.id = '22222222-2222-4222-8222-222222222222';

-- Never the same twice, though the value is.
select pg_temp.become('app_background', null, pg_temp.key());
update public.customers set email = 'x@guests.example'
  where restaurant_id = pg_temp.a()::uuid and id = pg_temp.ada()::uuid;
update public.customers set email = 'Ada@guests.example'
  where restaurant_id = pg_temp.a()::uuid and id = pg_temp.ada()::uuid;
create temporary table again as select email_encrypted, email_search from public.customers
                                 where restaurant_id = pg_temp.a()::uuid and id = pg_temp.ada()::uuid;
grant select on again to public;
reset role;
select isnt(again.email_encrypted, good.value, 'sealed again, the same value looks different') from again, good;
select is(again.email_search, s.email_search, 'its blind index is the same') from again, sealed as s
 where s.restaurant_id = pg_temp.a()::uuid and s.id = pg_temp.ada()::uuid;
select is(octet_length(email_search), 16, 'of 16 bytes') from again;
select is(count(distinct email_search), 3::bigint, 'another tenant''s index of the same address is another one')
  from sealed;

select * from finish();
rollback;
