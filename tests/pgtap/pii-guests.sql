-- The registry of columns that hold data of guests: what it takes, and what it opens for erasure and for nobody else.
begin;

\ir support/pii.sql

create table public.surveys (
  restaurant_id uuid not null, id uuid not null default gen_random_uuid(), about_customer uuid, answers jsonb,
  raw json, remark varchar, n integer, primary key (restaurant_id, id));
create table public.open_surveys (id uuid, answers jsonb);
create table public.visits (restaurant_id uuid not null, id uuid not null default gen_random_uuid(),
                            tags jsonb not null, primary key (restaurant_id, id)) partition by hash (restaurant_id);
create table public.visits_0 partition of public.visits for values with (modulus 1, remainder 0);
select tenancy.protect(t, 'restaurant_id') from unnest(array['public.surveys', 'public.visits']::regclass[]) as t;
select tenancy.append_only('public.visits');

select plan(25);

create function pg_temp.register(relation text, column_name text, holds text, rest text default '') returns text
language sql
as $$ select format('select pii.register_guest_column(%L, %L, %L%s)', relation, column_name, holds, rest) $$;

select throws_ok(pg_temp.register('public.surveys', c, h, r), code, null, w)
from (values
  ('nowhere', 'json', '', '42703', 'no column that is not there'), ('answers', 'text', '', '42804', 'no JSON as text'),
  ('answers', 'guest', '', '42804', 'no JSON as an id'),
  ('remark', 'json', '', '42804', 'no text as JSON'), ('n', 'code', '', '42804', 'no number as a code'),
  ('answers', 'secret', '', '42804', 'nothing that is no kind'),
  ('answers', 'nothing', '', '23514', 'nothing without a reason'),
  ('answers', 'json', ', reason => ''x''', '23514', 'no reason without nothing'),
  ('remark', 'text', ', paths => array[''{a}'']', '23514', 'no paths of a text')) as v (c, h, r, code, w);
select throws_ok(pg_temp.register('public.open_surveys', 'answers', 'json'), '55000', null,
                 'not of a table that is not protected');
select lives_ok(pg_temp.register('public.open_surveys', 'answers', 'nothing', ', reason => ''of nobody'''),
                'but that it holds nothing may be said of any');
select lives_ok(pg_temp.register('public.surveys', c, h), format('%s holds %s', c, h))
from (values ('about_customer', 'guest'), ('answers', 'json'), ('raw', 'json'), ('remark', 'text')) as v (c, h);
select lives_ok(pg_temp.register('public.surveys', 'answers', 'json', ', paths => array[''{diet}'']'),
                'it may be said again');
select lives_ok(pg_temp.register('public.visits', 'tags', 'json'), 'a record that nobody changes');
select is(pii.tenant_column_of(t::regclass), c::name, t || ' has the tenant in ' || coalesce(c, 'no column'))
from (values ('public.surveys', 'restaurant_id'), ('public.open_surveys', null)) as v (t, c);

select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, id, full_name)
  values (pg_temp.a()::uuid, pg_temp.ada()::uuid, 'Ada Moreau');
insert into public.surveys (restaurant_id, about_customer, answers, raw, remark)
values (pg_temp.a()::uuid, pg_temp.ada()::uuid, '{"diet": "fish", "stars": 5}', '{"name": "x", "n": 1}', 'window'),
       (pg_temp.a()::uuid, null, '{"diet": "fish"}', '{"name": "x"}', 'door');
insert into public.visits (restaurant_id, tags)
  values (pg_temp.a()::uuid, format('{"guest": {"id": "%s", "title": "Ada"}}', pg_temp.ada())::jsonb),
         (pg_temp.b()::uuid, format('{"guest": {"id": "%s", "title": "Ada"}}', pg_temp.ada())::jsonb);
reset role;
select is(pg_temp.outcome('app_background', null, null,
                          format('select pii.erase_customer(%L, %L) - ''customers''', pg_temp.a(), pg_temp.ada())),
                          '{"visits": 1, "surveys": 1}', 'erasure goes by it');
select is(pg_temp.outcome('app_background', null, null,
                          'select string_agg(concat_ws('' '', answers, raw, remark), ''; '' order by about_customer) '
                          'from public.surveys'),
  '{"diet": "[erased]", "stars": 5} {"n": 1, "name": "[erased]"}; {"diet": "fish"} {"name": "x"} door',
  'the guest''s row is cleared, paths and JSON of either type, and no other');
select is(pg_temp.outcome('app_background', null, null,
                          'select string_agg(tags #>> ''{guest,title}'', '' '' order by restaurant_id) from '
                          'public.visits'), '[erased] Ada', 'a record too, of this tenant alone');
select is(pg_temp.outcome('app_background', null, null,
                          format('update public.visits set tags = ''{}'' where restaurant_id = %L', pg_temp.a())),
                          '42501', 'which nobody else may change');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          format('select pii.erase_record(''public.visits'', %L, %L, ''x'', ''{}'', null)', pg_temp.a(),
                                 pg_temp.ada())), '42501', 'nor by the function that does');
select is(
  (select count(*) from pg_policy as p where p.polrelid = 'public.visits_0'::regclass and p.polname = 'pii_access'),
  1::bigint, 'partitions have the policies of their table');

select * from finish();
rollback;
