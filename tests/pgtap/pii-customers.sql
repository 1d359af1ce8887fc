-- Whoever writes an e-mail address or a phone number has it sealed, masked and indexed, however the statement is
-- written; what is none is refused, and no complaint repeats it.
begin;

\ir support/pii.sql

-- As a job, since it may read the table in every phase.
create function pg_temp.stored(name text, expression text) returns text
language sql
as $$
  select pg_temp.outcome('app_background', null, null,
    format('select %s from public.customers where full_name = %L and restaurant_id = %L', expression, name,
           pg_temp.a()))
$$;
create function pg_temp.tenant(statement text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('authenticated', pg_temp.a(), key, statement) $$;
create function pg_temp.opened(name text, what text) returns text
language sql
as $$
  select pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                         format('select %I from public.customers_private_view where full_name = %L', what, name))
$$;

create temporary table phases as select unnest(array['expand', 'retired']) as phase;
create temporary table bad_values (what text, email text, phone text, code text);
insert into bad_values values
  ('no address', 'guests.example', null, 'PI010'),
  ('10 kB of address', repeat('a', 10000) || '@guests.example', null, 'PI010'),
  ('10 kB of others', repeat('ß', 5000) || '@guests.example', null, 'PI010'),
  ('an invisible letter', U&'a\200bda@guests.example', null, 'PI010'),
  ('two lines', E'ada@guests.example\nx@guests.example', null, 'PI010'), ('no number', null, 'call me', 'PI011'),
  ('a number that is too short', null, '+39 1', 'PI011'), ('10 kB of digits', null, '+' || repeat('1', 10000), 'PI011'),
  ('an address as a number', null, 'ada@guests.example', 'PI011');

select plan(((52 + 2 * (select count(*) from bad_values)) * (select count(*) from phases) + 4)::integer);

-- All of it in the first phase and in the last one.
create function pg_temp.checks(phase text) returns setof text
language plpgsql
as $$
declare
  in_clear constant boolean := phase = 'expand';
  a constant text := pg_temp.a();
  x text;
begin
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email, phone) values (%L, ''Ada'', '
              '''Ada@Guests.example'', ''010 555 0101'')', a)), '1', phase || ': a tenant adds a guest');
  return next is(pg_temp.opened('Ada', 'email'), 'Ada@Guests.example', phase || ': the address opens as it was given');
  return next is(pg_temp.opened('Ada', 'phone'), '+39 010 555 0101',
                 phase || ': the number with the restaurant''s country');
  return next is(pg_temp.stored('Ada', 'concat_ws('' '', email, phone)'),
                 case when in_clear then 'Ada@Guests.example +39 010 555 0101' else '' end,
                 phase || ': what stands in clear');
  return next is(pg_temp.stored('Ada', 'email_masked || '' '' || phone_masked'), 'a***@g***.example +***01',
                 phase || ': it is masked');
  return next is(pg_temp.stored('Ada', 'num_nonnulls(email_search, phone_search)'), '2', phase || ': and indexed');
  return next is(pg_temp.stored('Ada', 'num_nonnulls(email_search_alt, phone_search_alt)'), '0',
                 phase || ': for one key');

  -- The same address once more.
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''Twice'', '' '
              'ADA@guests.EXAMPLE'')', a)), '23505',
              phase || ': an address is there once in a tenant, however it is written');
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''Twice'', '' '
              'ADA@guests.EXAMPLE'') on conflict do nothing', a)), '0', phase || ': ON CONFLICT sees it too');
  return next is(pg_temp.outcome('authenticated', pg_temp.b(), pg_temp.key(),
                                 format(
                                     'insert into public.customers (restaurant_id, full_name, email) values (%L, '
                                     '''Ada'', ''ada@guests.example'')', pg_temp.b())), '1',
                                     phase || ': in another tenant it may be');
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''Eve'', '
              '''eve@guests.example'')', pg_temp.b())), '42501', phase || ': no row for another tenant');
  return next is(
      pg_temp.tenant(
          format(
              U&'insert into public.customers (restaurant_id, full_name, email) values (%L, ''Look-alike'', '
                '''\0430da@guests.example'')', a)), '1', phase || ': a Cyrillic look-alike is another address');

  -- NULL and ''
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email, phone) values (%L, ''Nobody'', '''', ''  '
              ''')', a)), '1', phase || ': an empty value is none');
  return next is(pg_temp.stored('Nobody',
                                'num_nonnulls(email, phone, email_encrypted, phone_encrypted, email_masked, '
                                'phone_masked, email_search, phone_search)'), '0',
                                phase || ': and nothing is stored of it');
  return next is(pg_temp.tenant(format('insert into public.customers (restaurant_id, full_name) values (%L, ''Null'')',
                                       a), null), '1', phase || ': NULL is none, and needs no key');

  -- What is assigned to the derived columns is not theirs.
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email, email_encrypted, email_masked, '
              'email_search, email_search_alt) values (%L, ''Forged'', ''forged@guests.example'', ''\x01'', '
              '''boss@guests.example'', ''\x02'', ''\x03'')', a)), '1',
              phase || ': an INSERT may name derived columns');
  return next is(pg_temp.stored('Forged',
                                'email_masked || octet_length(email_encrypted) || octet_length(email_search) || '
                                '(email_search_alt is null)'), 'f***@g***.example6716true',
                                phase || ': which are derived all the same');
  return next is(
      pg_temp.tenant(
          'update public.customers set email_masked = ''boss@guests.example'', email_search = ''\x02'', '
          'email_encrypted = null where id = (select id from public.find_customers_by_email(''forged@guests.example''))'), '1', phase || ': an UPDATE too');
  return next is(pg_temp.stored('Forged',
                                'email_masked || octet_length(email_encrypted) || octet_length(email_search)'),
                                'f***@g***.example6716', phase || ': and they are');
  return next is(
      pg_temp.tenant(
          format(
              'insert into public.customers (restaurant_id, full_name, email_masked, email_search) values (%L, '
              '''Hollow'', ''x'', ''\x02'')', a)), '1', phase || ': without a value');
  return next is(pg_temp.stored('Hollow', 'num_nonnulls(email_encrypted, email_masked, email_search)'), '0',
                 phase || ': they are empty');

  -- Changes
  x := pg_temp.stored('Ada', 'email_encrypted');
  return next is(
      pg_temp.tenant(
          'update public.customers set notes = ''window'' where id = (select id from '
          'public.find_customers_by_phone(''+390105550101''))'), '1', phase || ': another column may change');
  return next is(pg_temp.stored('Ada', 'email_encrypted'), x, phase || ': and leaves the sealed value as it is');
  return next is(
      pg_temp.tenant(
          'update public.customers set notes = ''door'' where id = (select id from public.customers_secure_view where '
          'full_name = ''Ada'')', null), '1', phase || ': even without a key');
  return next is(
      pg_temp.tenant(
          'update public.customers set email = ''ada@new.example'' where id = (select id from '
          'public.customers_secure_view where full_name = ''Ada'')', null), 'PI001',
          phase || ': the address not without a key');
  return next is(pg_temp.opened('Ada', 'email'), 'Ada@Guests.example', phase || ': it is the old one then');
  return next is(
      pg_temp.tenant(
          'update public.customers set email = ''ada@new.example'' where id = (select id from '
          'public.customers_secure_view where full_name = ''Ada'')'), '1', phase || ': with it');
  return next is(pg_temp.opened('Ada', 'email'), 'ada@new.example', phase || ': it is the new one');
  return next is(pg_temp.opened('Ada', 'phone'), '+39 010 555 0101', phase || ': the number is what it was');
  return next is(pg_temp.stored('Ada', 'email_masked'), 'a***@n***.example', phase || ': and so is the mask');
  return next is(pg_temp.tenant('select full_name from public.find_customers_by_email(''ada@new.example'')'),
                 'Ada', phase || ': it is found');
  return next is(pg_temp.tenant('select full_name from public.find_customers_by_email(''ada@guests.example'')'),
                 '(no rows)', phase || ': under the old one no more');
  return next is(
      pg_temp.tenant(
          'update public.customers set email = ''x@guests.example'', phone = ''+39 010 5550199'' where id = (select id '
          'from public.customers_secure_view where full_name = ''Ada'')'), '1', phase || ': both at once');
  return next is(pg_temp.opened('Ada', 'email') || pg_temp.opened('Ada', 'phone'), 'x@guests.example+39 010 5550199',
                 phase || ': are both sealed');
  return next is(
      pg_temp.tenant(
          'update public.customers set phone = null where id = (select id from public.customers_secure_view where '
          'full_name = ''Ada'')', null), '1', phase || ': a number is taken away, for which nobody needs a key');
  return next is(pg_temp.stored('Ada', 'num_nonnulls(phone, phone_encrypted, phone_masked, phone_search, '
                                       'phone_search_alt)'), '0', phase || ': and all of it is gone');
  return next is(pg_temp.opened('Ada', 'email'), 'x@guests.example', phase || ': the address is not');
  return next is(
      pg_temp.tenant(
          'update public.customers set email = '''' where id = (select id from public.customers_secure_view where '
          'full_name = ''Ada'')', null), '1', phase || ': an empty address takes it away');
  return next is(pg_temp.stored('Ada', 'num_nonnulls(email, email_encrypted, email_masked, email_search, '
                                       'email_search_alt)'), '0', phase || ': the same');
  return next is(
      pg_temp.tenant(
          'update public.customers set email = ''guests.example'' where id = (select id from '
          'public.customers_secure_view where full_name = ''Forged'')'), 'PI010', phase || ': no address is no change');
  return next is(pg_temp.opened('Forged', 'email'), 'forged@guests.example', phase || ': the old one stays');

  -- The place of a value
  return next is(
      pg_temp.tenant(
          'update public.customers set id = gen_random_uuid() where id = (select id from public.customers_secure_view '
          'where full_name = ''Forged'')'), 'PI007', phase || ': a sealed row keeps its id');
  return next is(pg_temp.outcome('app_background', null, pg_temp.key(),
                                 format('update public.customers set restaurant_id = %L where full_name = ''Forged''',
                                        pg_temp.b())), 'PI007', phase || ': and its tenant');
  return next is(
      pg_temp.tenant(
          'update public.customers set id = id, restaurant_id = restaurant_id where id = (select id from '
          'public.customers_secure_view where full_name = ''Forged'')'), '1', phase || ': it may be told them again');
  return next is(
      pg_temp.tenant(
          'update public.customers set id = gen_random_uuid() where id = (select id from public.customers_secure_view '
          'where full_name = ''Hollow'')'), '1', phase || ': a row without values may move');
  return next is(
    pg_temp.outcome('app_background', null, pg_temp.key(),
                    'update public.customers as f set email_encrypted = g.email_encrypted from public.customers as g '
                    'where f.full_name = ''Null'' and g.full_name = ''Forged'''), '1',
                    phase || ': a sealed value copied to another row');
  return next is(pg_temp.stored('Null', 'email_encrypted is null'), 'true', phase || ': does not get there');

  -- Bad values, to add and to change
  return query
  select is(
      pg_temp.tenant(
          format('insert into public.customers (restaurant_id, full_name, email, phone) values (%L, ''Bad'', %L, %L)',
                 a, b.email, b.phone)), b.code, phase || ': refused: ' || b.what)
  from bad_values as b;
  return query
  select is(
    pg_temp.complaint('authenticated', a, pg_temp.key(),
                      format(
                          'insert into public.customers (restaurant_id, full_name, email, phone) values (%L, ''Bad'', '
                          '%L, %L)', a, b.email, b.phone))
      ~ 'guests|call me|aaaa(?!-)|ßßß|1111|\+39 1$', false, phase || ': and not repeated: ' || b.what)
  from bad_values as b;
  return next is(pg_temp.stored('Bad', '1'), '(no rows)', phase || ': nothing is stored of them');
  return next is(pg_temp.outcome('authenticated', pg_temp.b(), pg_temp.key(),
                                 format(
                                     'insert into public.customers (restaurant_id, full_name, phone) values (%L, '
                                     '''Bad'', ''010 555 0101'')', pg_temp.b())), 'PI011',
                                     phase || ': a national number, where the restaurant has no country');
  return next is(pg_temp.outcome('authenticated', pg_temp.b(), pg_temp.key(),
                                 format(
                                     'insert into public.customers (restaurant_id, full_name, phone) values (%L, '
                                     '''Good'', ''0039 010 555 0101'')', pg_temp.b())), '1',
                                     phase || ': an international one');
  return next is(pg_temp.complaint('authenticated', a, pg_temp.key(),
                                   format(
                                       'insert into public.customers (restaurant_id, full_name, email) values (%L, '
                                       'null, ''secret@guests.example'')', a)) ~ 'secret', false,
                                       phase || ': a constraint does not print the row either');
  return next is(pg_temp.complaint('authenticated', a, pg_temp.key(),
                                   format(
                                       'insert into public.customers (restaurant_id, full_name, email) values (%L, '
                                       '''T'', ''forged@guests.example'')', a)) ~ 'forged', false,
                                       phase || ': nor does a unique one');
end
$$;

select pg_temp.checks('expand');

-- The table as it is after the whole roll-out.
select pg_temp.become('app_background', null, pg_temp.key());
delete from public.customers where restaurant_id in (pg_temp.a()::uuid, pg_temp.b()::uuid);
reset role;
select set_config('app.pii.key', pg_temp.key(), true);
select lives_ok(format('select pii.move_to(''public.customers'', %L)', phase), 'to phase ' || phase)
from unnest(array['backfilled', 'verified', 'switched', 'retiring']) as phase where phase <> 'retiring';
select pii.move_to('public.customers', 'retiring');
select lives_ok($$ select pii.move_to('public.customers', 'retired') $$, 'to phase retired');

select pg_temp.checks('retired');

select * from finish();
rollback;
