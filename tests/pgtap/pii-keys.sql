-- The configured key: without it nothing is stored, and nobody else's opens anything; it is read by app_pii alone, and
-- stands in no message.
begin;

\ir support/pii.sql
\ir support/attempt.sql

create function pg_temp.add(as_role text, tenant text, key text, email text) returns text
language sql
as $$
  select pg_temp.outcome(as_role, tenant, key,
    format('insert into public.customers (restaurant_id, full_name, email) values (%L, ''Guest'', %L)', tenant, email))
$$;
create function pg_temp.customers() returns bigint
language sql
as $$ select pg_temp.outcome('app_background', null, null,
                             'select count(*) from public.customers where restaurant_id in (''' || pg_temp.a()
                               || ''', ''' || pg_temp.b() || ''')')::bigint $$;

create temporary table bad_keys (what text, key text, code text);
insert into bad_keys values
  ('none', null, 'PI001'), ('an empty one', '', 'PI001'), ('one too short', repeat('ab', 31), 'PI002'),
  ('an odd one', repeat('ab', 32) || 'a', 'PI002'),
  ('one of other letters', repeat('xy', 32), 'PI002'), ('blanks around it', ' ' || repeat('ab', 32), 'PI002'),
  ('one too long', repeat('ab', 129), 'PI002'),
  ('a line more', repeat('ab', 32) || E'\n', 'PI002'),
  ('base64', 'q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur', 'PI002');

select plan((45 + 2 * (select count(*) from bad_keys))::integer);

select is(pg_temp.add('authenticated', pg_temp.a(), key, 'ada@guests.example'), code, format('no write with %s', what))
  from bad_keys;
select is(pg_temp.customers(), 0::bigint, 'nothing is stored');
select is(pg_temp.outcome('app_pii', null, null, 'select count(*) from pii.tenant_keys'), '0', 'no key is made');
select is(
  pg_temp.complaint('authenticated', pg_temp.a(), key,
                    format(
                        'insert into public.customers (restaurant_id, full_name, email) values (%L, ''G'', '
                        '''ada@guests.example'')', pg_temp.a()))
    ~ '(ab){4}|(xy){4}|q6ur|guests', false, format('the complaint about %s holds neither key nor address', what)
) from bad_keys;
select is(pg_temp.add('authenticated', pg_temp.a(), null, null), '1', 'a guest without e-mail address needs no key');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select full_name from public.customers_secure_view'),
          'Guest', 'nor does a masked read');

select is(pg_temp.add('authenticated', pg_temp.a(), pg_temp.key(), 'ada@guests.example'), '1',
          'the first write of a tenant');
select is(pg_temp.outcome('app_pii', null, null,
                          'select string_agg(concat(restaurant_id, kid, state), '','') from pii.tenant_keys'),
                          pg_temp.a() || '1active', 'makes its key');
select is(pg_temp.add('authenticated', pg_temp.a(), pg_temp.other_key(), 'bilal@guests.example'), 'PI003',
          'with another configured key it gets no second one');
select is(pg_temp.add('authenticated', pg_temp.b(), pg_temp.other_key(), 'ada@guests.example'), 'PI003',
          'nor does a tenant get its first one under it');
select is(pg_temp.outcome('app_background', null, pg_temp.other_key(),
                          format(
                              'insert into public.customers (restaurant_id, full_name, email) values (%L, ''G'', '
                              '''x@guests.example'')', pg_temp.b())), 'PI003', 'not by a job either');
select is(pg_temp.outcome('app_background', null, k, 'select pii.check_key()'), o,
          'a job that asks whether its key is the right one: ' || o)
from (values (pg_temp.key(), ''), (pg_temp.other_key(), 'PI003'), (null, 'PI001')) as v (k, o);
select is(pg_temp.outcome('app_background', null, pg_temp.other_key(), format('select pii.%s', f)), 'PI003',
          'refused with the other key: ' || f)
from unnest(array['begin_rotation()', 'check_key()']) as f;
select is(pg_temp.add('authenticated', pg_temp.b(), pg_temp.key(), 'ada@guests.example'), '1',
          'the next tenant is under the same configured key');
select is(pg_temp.outcome('app_pii', null, null, 'select count(*) || place from pii.configured_keys group by place'),
          '1current', 'one fingerprint is kept');
select is(pg_temp.outcome('app_pii', null, null,
                          format(
                              'select strpos(c::text, x) from pii.configured_keys as c, unnest(array[%L, '
                              'encode(sha256(decode(%1$L, ''hex'')), ''hex''), encode(pii.wrapping_id(decode(%1$L, '
                              '''hex'')), ''hex'')]) as x order by 1 desc', pg_temp.key())), '0',
                              'in which neither the key nor a plain hash of it stands');
select is(pg_temp.attempt(r, pg_temp.a()::uuid, 'select from pii.configured_keys'), '42501',
          format('%s does not read it', r))
from unnest(array['authenticated', 'app_background', 'pii_reader']) as r;
select is(
  pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                  format(
                      'insert into public.customers (restaurant_id, full_name, email) values (%L, ''G'', '
                      '''x@guests.example'')', pg_temp.b())),
  '42501', 'which nobody else gets told'
);
select is(pg_temp.add('authenticated', pg_temp.a(), pg_temp.key(), 'chiara@guests.example'), '1',
          'the second write uses the key');
select is(pg_temp.outcome('app_pii', null, null, 'select count(*) from pii.tenant_keys'), '2', 'one key each');
select is(
  pg_temp.outcome('app_pii', null, null,
                  'select count(*) from pii.tenant_keys where octet_length(wrapped) = 144 and '
                  'octet_length(wrapped_under) = 8'),
  '2', 'wrapped'
);
select is(
  pg_temp.complaint('authenticated', pg_temp.a(), pg_temp.other_key(),
                    format(
                        'insert into public.customers (restaurant_id, full_name, email) values (%L, ''G'', '
                        '''x@guests.example'')', pg_temp.a()))
    ~ '(cd){4}|guests', false, 'the complaint about another key holds neither'
);

-- Whatever state another tenant's keys are in, an INSERT for it gets the same answer, with the name of a job too.
select pg_temp.become('app_background', null, pg_temp.key());
insert into public.restaurants (id, name, time_zone, currency)
values ('cccccccc-cccc-4ccc-8ccc-cccccccccccc', 'New', 'UTC', 'EUR'),
       ('dddddddd-dddd-4ddd-8ddd-dddddddddddd', 'Gone', 'UTC', 'EUR');
select pii.destroy_keys('dddddddd-dddd-4ddd-8ddd-dddddddddddd');
reset role;
create function pg_temp.answer(tenant text, key text, job text) returns text
language plpgsql
as $$
declare
  m text; d text; h text;
begin
  perform pg_temp.become('authenticated', pg_temp.a(), key);
  perform set_config('app.job', job, true);
  insert into public.customers (restaurant_id, full_name, email, email_encrypted)
    values (tenant::uuid, 'G', case when key is not null then 'x@guests.example' end, '00');
  return 'stored';
exception
  when others then
    perform set_config('role', 'none', true);
    get stacked diagnostics m = message_text, d = pg_exception_detail, h = pg_exception_hint;
    return concat_ws(' | ', sqlstate, m, d, h);
end
$$;
select is(count(distinct pg_temp.answer(t, k, j)), 1::bigint,
          format('an INSERT for a tenant with a key, without one, and erased: one answer (key %s, job %s)', left(k, 2),
                 j))
from unnest(array[pg_temp.b(), 'cccccccc-cccc-4ccc-8ccc-cccccccccccc', 'dddddddd-dddd-4ddd-8ddd-dddddddddddd']) as t,
  unnest(array[pg_temp.key(), pg_temp.other_key(), 'short']) as k, unnest(array['', 'anything']) as j
group by k, j;
select is(left(pg_temp.answer(pg_temp.b(), pg_temp.key(), 'anything'), 5), '42501', 'which is that it may not');
select is(pg_temp.outcome('app_pii', null, null,
                          'select count(*) from pii.tenant_keys where restaurant_id = '
                          '''cccccccc-cccc-4ccc-8ccc-cccccccccccc'''), '0', 'and makes no key');

-- A wrapped key that somebody moved or changed is another key.
savepoint moved;
set local role app_pii;
update pii.tenant_keys as k set wrapped = o.wrapped, wrapped_under = o.wrapped_under from pii.tenant_keys as o
where k.restaurant_id = pg_temp.b()::uuid and o.restaurant_id = pg_temp.a()::uuid;
reset role;
select is(pg_temp.add('authenticated', pg_temp.b(), pg_temp.key(), 'x@guests.example'), 'PI003',
          'one tenant''s wrapped key does not pass for another''s');
rollback to savepoint moved;
set local role app_pii;
update pii.tenant_keys set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)
  where restaurant_id = pg_temp.a()::uuid;
reset role;
select is(pg_temp.add('authenticated', pg_temp.a(), pg_temp.key(), 'x@guests.example'), 'PI003',
          'nor does a changed one');
rollback to savepoint moved;

select is(pg_temp.attempt(r, pg_temp.a()::uuid, 'select from pii.tenant_keys'), '42501', format('%s reads no keys', r))
from unnest(array['authenticated', 'anonymous', 'app_background', 'pii_reader']) as r;
grant select on pii.tenant_keys to authenticated, app_background;
create policy careless on pii.tenant_keys using (true);
select is(pg_temp.attempt(r, pg_temp.a()::uuid, 'select from pii.tenant_keys'), '0',
          format('nor does %s after a careless GRANT and policy', r))
from unnest(array['authenticated', 'app_background']) as r;

-- What reads the setting runs as app_pii; what a tenant may call gives it no key.
select is_empty(
  $$ select p.oid::regprocedure from pg_proc as p
     where (p.prosrc ~ 'current_setting\([^)]*app\.pii' or p.prosrc ~ 'pii\.key_in\(')
       and p.pronamespace <> pg_my_temp_schema() and p.proowner <> 'app_pii'::regrole $$,
  'only functions of app_pii read the configured key'
);
select is_empty(
  $$ select p.oid::regprocedure, r
       from pg_proc as p, unnest(array['authenticated', 'anonymous', 'app_background', 'pii_reader']) as r
     where p.pronamespace = 'pii'::regnamespace and has_function_privilege(r, p.oid, 'execute')
       and p.proname in ('key_in', 'wrap', 'unwrap', 'writing_keys', 'opening_keys', 'searching_key', 'hmac_sha256',
                         'blind_index', 'open_value') $$,
  'nobody else calls what hands out keys'
);
select is_empty(
  $$ select r from unnest(array['authenticated', 'anonymous', 'app_background', 'pii_reader']) as r
      where pg_has_role(r, 'app_pii', 'member') $$,
  'and nobody of them is app_pii'
);

-- Written in a transaction that then goes on without the key: nothing stays behind that would stand in for it.
select is(pg_temp.add('authenticated', pg_temp.a(), null, 'dagny@guests.example'), 'PI001',
          'nothing is kept of a key once the setting is gone');

select * from finish();
rollback;
