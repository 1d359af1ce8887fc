-- Erased is erased: values, masks, indexes, names, messages; a tenant's copies do not open either. The book says that
-- it was done and nothing of what it was.
begin;

\ir support/pii.sql

-- What the job sees goes into a table of its own; it is rolled back with the rest.
do $$ begin execute format('grant temporary on database %I to app_background', current_database()); end $$;
select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, id, full_name, email, phone, notes, accepts_marketing) values
  (pg_temp.a()::uuid, pg_temp.ada()::uuid, 'Ada Moreau', 'ada@guests.example', '+390105550101', 'nuts', true),
  (pg_temp.a()::uuid, '22222222-2222-4222-8222-222222222222', 'Bilal', 'bilal@guests.example', '+390105550102',
   null, false),
  (pg_temp.b()::uuid, pg_temp.ada()::uuid, 'Ada Moreau', 'ada@guests.example', '+390105550101', 'nuts', true);
insert into public.bookings (restaurant_id, id, customer_id, reference, party_size, booking_date, starts_at, ends_at,
                             notes)
select t, '33333333-3333-4333-8333-333333333333', pg_temp.ada()::uuid, 'R1', 2, '2030-01-01', '2030-01-01 19:00Z',
       '2030-01-01 21:00Z', 'Ada''s birthday'
from unnest(array[pg_temp.a(), pg_temp.b()]::uuid[]) as t;
insert into public.outbox (restaurant_id, destination, event_type, aggregate_type, aggregate_id, payload, last_error)
select t, d, 'e', 'x', i, p::jsonb, case when p ~ 'ada' then 'no mailbox ada@guests.example' end
from unnest(array[pg_temp.a(), pg_temp.b()]::uuid[]) as t,
  (values
    ('email', '11111111-1111-4111-8111-111111111111'::uuid,
     '{"to": "ada@guests.example", "guestName": "Ada Moreau", "party_size": 2, "reference": "R1"}'),
    ('webhook', '33333333-3333-4333-8333-333333333333',
     '{"guest": {"full_name": "Ada Moreau", "phones": ["+39 010 555 0101"], "contact": "ada@guests.example"}, '
     '"customer": "11111111-1111-4111-8111-111111111111"}'),
    ('webhook', '44444444-4444-4444-8444-444444444444',
     '{"customerId": "11111111-1111-4111-8111-111111111111", "email": "ada@guests.example"}'),
    ('email', '22222222-2222-4222-8222-222222222222', '{"to": "bilal@guests.example"}')) as v (d, i, p);
create temporary table copy as select email_encrypted from public.customers
                                where restaurant_id = pg_temp.a()::uuid and full_name = 'Bilal';
grant select on copy to public;
reset role;

create function pg_temp.job(statement text, key text default null) returns text
language sql
as $$ select pg_temp.outcome('app_background', null, key, statement) $$;
create function pg_temp.text_of(tenant text, id text default null) returns text
language sql
as $$
  select pg_temp.job(format(
    'select (select string_agg(c::text, '''') from public.customers as c where restaurant_id = %1$L and (id = %2$L or %2$L is null))
      || coalesce((select string_agg(b::text, '''') from public.bookings as b where restaurant_id = %1$L), '''')
      || coalesce((select string_agg(o::text, '''') from public.outbox as o where restaurant_id = %1$L), '''')', tenant, id))
$$;
create function pg_temp.erase(what text) returns text language sql
  as $$ select pg_temp.job('select pii.erase_' || what) $$;

select plan(47);

-- What there is about a person
select is(
    pg_temp.job(format('select pii.export_customer(%L, %L) -> ''customer'' ->> k from unnest(array[''email'']) as k',
                       pg_temp.a(), pg_temp.ada()), pg_temp.key()), 'ada@guests.example',
                       'an export holds the address');
select is(
    pg_temp.job(
        format(
            'select jsonb_array_length(e -> ''bookings'') || '' '' || jsonb_array_length(e -> ''messages'') || '' '' '
            '|| (e -> ''customer'' ->> ''phone'') from pii.export_customer(%L, %L) as e', pg_temp.a(), pg_temp.ada()),
            pg_temp.key()), '1 3 +390105550101', 'bookings, messages, the number');
select is(pg_temp.job(format('select pii.export_customer(%L, %L)::text ~ ''bilal''', pg_temp.a(), pg_temp.ada()),
                      pg_temp.key()), 'false', 'and nobody else''s');
select is(pg_temp.job(format('select pii.export_customer(%L, %L)', pg_temp.a(), pg_temp.ada())), 'PI001',
          'not without the key');
select is(pg_temp.job(format('select pii.export_customer(%L, ''22222222-2222-4222-8222-222222222222'')', pg_temp.b()),
                      pg_temp.key()), 'P0002', 'not of another tenant');
select is(pg_temp.outcome(r, pg_temp.a(), pg_temp.key(),
                          format('select pii.%s(%L, %L)', f, pg_temp.a(), pg_temp.ada())), '42501',
                          format('%s: %s', r, f))
from unnest(array['authenticated', 'pii_reader']) as r, unnest(array['export_customer', 'erase_customer']) as f;
select is(pg_temp.outcome(r, pg_temp.a(), pg_temp.key(), format('select pii.erase_tenant(%L)', pg_temp.a())),
          '42501', format('%s: erase_tenant', r))
from unnest(array['authenticated', 'pii_reader']) as r;
select is(pg_temp.outcome('app_background', pg_temp.a(), null,
                          format('set local app.job = ''''; select pii.erase_customer(%L, %L)', pg_temp.a(),
                                 pg_temp.ada())), '42501', 'nor without a job');

-- One guest
select is(pg_temp.erase(format('customer(%L, %L)', pg_temp.a(), '99999999-9999-4999-8999-999999999999')), 'P0002',
          'nobody is erased who is not there');
select is(pg_temp.erase(format('customer(%L, %L)', pg_temp.b(), '22222222-2222-4222-8222-222222222222')), 'P0002',
          'nor another tenant''s');
select is(pg_temp.erase(format('customer(%L, %L)', pg_temp.a(), pg_temp.ada())),
          '{"buried": 1, "outbox": 3, "bookings": 1, "customers": 1}', 'a guest is erased, without a key');
select is(pg_temp.text_of(pg_temp.a(), pg_temp.ada()) ~* x, false, format('nothing says %s', x))
  from unnest(array['\mada\M', 'moreau', '0105550101', '010 555', 'nuts', 'birthday']) as x;
select is(
    pg_temp.job(
        format(
            'select num_nonnulls(email, phone, email_encrypted, phone_encrypted, email_masked, phone_masked, '
            'email_search, phone_search, email_search_alt, phone_search_alt, notes) from public.customers where '
            'restaurant_id = %L and id = %L', pg_temp.a(), pg_temp.ada())), '0',
            'neither values, nor masks, nor indexes');
select is(pg_temp.job(format('select reference || party_size from public.bookings where restaurant_id = %L',
                             pg_temp.a())), 'R12', 'the booking is still one');
select is(
    pg_temp.job(
        format(
            'select string_agg(payload::text, '' '' order by id) from public.outbox where restaurant_id = %L and '
            'payload ? ''reference''', pg_temp.a())),
  '{"to": "[erased]", "guestName": "[erased]", "reference": "R1", "party_size": 2}',
  'a message keeps what names nobody');
select is(pg_temp.job(format('select string_agg(status, '' '' order by id) from public.outbox where restaurant_id = %L',
                             pg_temp.a())), 'dead pending pending pending', 'what waited for the guest is not sent');
select is(pg_temp.text_of(pg_temp.a()) ~ 'bilal', true, 'the other guest is there');
select is(pg_temp.text_of(pg_temp.b()) ~ 'birthday', true, 'and so is the same person at the other restaurant');
select is(
    pg_temp.job(
        format(
            'select payload ->> ''to'' from public.outbox where restaurant_id = %L and payload ->> ''to'' like '
            '''bilal%%''', pg_temp.a())), 'bilal@guests.example', 'with its message');
select is(pg_temp.erase(format('customer(%L, %L)', pg_temp.a(), pg_temp.ada())), '{"customers": 0}',
          'it may be done again');

-- One tenant
select is(pg_temp.erase('tenant(''99999999-9999-4999-8999-999999999999'')'), 'P0002', 'no tenant that is not there');
select is(pg_temp.erase(format('tenant(%L)', pg_temp.a())),
          '{"keys": 1, "buried": 2, "outbox": 2, "bookings": 1, "customers": 2}', 'a tenant is erased, without a key');
select is(pg_temp.text_of(pg_temp.a()) ~* x, false, format('nothing says %s', x))
  from unnest(array['bilal', '0105550102']) as x;
select is(pg_temp.outcome('app_pii', null, null,
                          format(
                              'select count(*) from pii.tenant_keys where restaurant_id = %L and num_nonnulls(wrapped, '
                              'wrapped_under, next_wrapped) > 0', pg_temp.a())), '0', 'its keys are destroyed');
select is(
  pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                  format(
                      'select pii.open(%L, ''public.customers.email'', ''22222222-2222-4222-8222-222222222222'', %L)',
                      pg_temp.a(), email_encrypted)),
  'PI006', 'a copy of a sealed value does not open') from copy;
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                          format(
                              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''G'', '
                              '''x@guests.example'')', pg_temp.a())), 'PI006', 'and it gets no new key');
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                          'select count(*) from public.find_customers_by_email(''x@guests.example'')'), 'PI006',
                          'nor are there look-ups');
select is(pg_temp.outcome('pii_reader', pg_temp.b(), pg_temp.key(), 'select email from public.customers_private_view'),
          'ada@guests.example', 'the other tenant''s values open');

-- The book
select is(
    pg_temp.job(
        'select string_agg(subject || '' '' || subject_id || '' '' || job, '','' order by id) from pii.erasures'),
  format('customer %1$s pgtap,customer %1$s pgtap,tenant %2$s pgtap', pg_temp.ada(), pg_temp.a()),
  'says what was erased and by which job');
select is(
    pg_temp.job('select string_agg(e::text, '''') ~* ''guests.example|moreau|bilal|0105'' from pii.erasures as e'),
    'false', 'and not what it was');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select count(*) from pii.erasures'), '3',
          'a tenant reads its own pages');
select is(pg_temp.outcome('authenticated', pg_temp.b(), null, 'select count(*) from pii.erasures'), '0',
          'and no others');
select is(pg_temp.outcome(r, pg_temp.a(), null, s), '42501', format('%s: %s', r, left(s, 12)))
from unnest(array['authenticated', 'app_background']) as r,
  unnest(array['update pii.erasures set job = ''x''', 'delete from pii.erasures']) as s;
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          format(
                              'insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (%L, '
                              '''tenant'', %1$L, ''x'', ''{}'')', pg_temp.a())), '42501',
                              'a tenant writes nothing into it');

select * from finish();
rollback;
