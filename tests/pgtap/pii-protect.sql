-- Any table that tenancy.protect() isolates may have protected columns, of any kind and name; what could not be sealed
-- is refused.
begin;

\ir support/pii.sql

create schema "Odd schema";
grant usage on schema "Odd schema" to public;
create table "Odd schema"."Odd 'table'" (
  restaurant_id uuid not null, "the Id" uuid not null default gen_random_uuid(), "E-Mail" text, name text,
  remark varchar, other integer,
  primary key (restaurant_id, "the Id"));
create table public.bare (restaurant_id uuid not null, id uuid not null, email text);
create table public.parted (restaurant_id uuid not null, id uuid not null, email text) partition by hash (id);
create table public.other_id (restaurant_id uuid not null, id integer not null, email text);
select tenancy.protect(t, 'restaurant_id')
  from unnest(array['"Odd schema"."Odd ''table''"', 'public.parted', 'public.other_id']::regclass[]) as t;

create function pg_temp.protect(relation text, id text, columns text) returns text
language sql
as $$ select format('select pii.protect(%L, ''restaurant_id'', %L, %L)', relation, id, columns) $$;

select plan(29);

select throws_ok(pg_temp.protect('public.bare', 'id', '{"email": {"kind": "email"}}'), '55000', null,
                 'not a table without row security');
select throws_ok(pg_temp.protect('public.parted', 'id', '{"email": {"kind": "email"}}'), '42809', null,
                 'not a partitioned one');
select throws_ok(pg_temp.protect('public.other_id', 'id', '{"email": {"kind": "email"}}'), '42804', null,
                 'not one whose id is no uuid');
select throws_ok(pg_temp.protect('"Odd schema"."Odd ''table''"', 'nowhere', '{"name": {"kind": "name"}}'), '42804',
                 null, 'not without an id');
select throws_ok(pg_temp.protect('"Odd schema"."Odd ''table''"', 'the Id', c), '42804', null, 'not ' || c)
from unnest(array['{"other": {"kind": "text"}}', '{"nowhere": {"kind": "text"}}', '{"name": {"kind": "fax"}}',
                  '{"name": {}}', '{"name": "email"}']) as c;
select throws_ok(pg_temp.protect('"Odd schema"."Odd ''table''"', 'the Id', '[]'), '22004', null, 'not without columns');
select throws_ok($$ select pii.phase('public.bare') $$, '42704', 'public.bare has no protected columns',
                 'what is not protected has no phase');

select lives_ok(pg_temp.protect('"Odd schema"."Odd ''table''"', 'the Id',
                                '{"E-Mail": {"kind": "email"}, "name": {"kind": "name"}, "remark": {"kind": "text"}}'),
                                'a table with odd names');
select lives_ok(pg_temp.protect('"Odd schema"."Odd ''table''"', 'the Id',
                                '{"E-Mail": {"kind": "email"}, "name": {"kind": "name"}, "remark": {"kind": "text"}}'),
                                'once more');
select is(count(*), 2::bigint, 'its indexes') from pii.index_statements('"Odd schema"."Odd ''table''"');
do $$
declare
  s text;
begin
  for s in select * from pii.index_statements('"Odd schema"."Odd ''table''"') loop
    execute replace(s, 'concurrently', '');
  end loop;
end
$$;

create function pg_temp.add(remark text, key text default pg_temp.key()) returns text
language sql
as $$
  select pg_temp.outcome('authenticated', pg_temp.a(), key, format(
    'insert into "Odd schema"."Odd ''table''" (restaurant_id, "the Id", "E-Mail", name, remark) values (%L, %L, '
    '''Ada@guests.example'', ''Ada Moreau'', %L)', pg_temp.a(), pg_temp.ada(), remark))
$$;
create function pg_temp.stored(what text) returns text
language sql
as $$ select pg_temp.outcome('app_background', null, null,
                             format('select %s from "Odd schema"."Odd ''table''"', what)) $$;

select is(pg_temp.add('likes the window', null), 'PI001', 'it wants the key');
select is(pg_temp.add(repeat('x', 8001)), 'PI012', 'a text may be too long');
select is(pg_temp.add('likes the window'), '1', 'a row');
select is(pg_temp.stored('concat_ws('' '', "E-Mail_masked", name_masked, remark_masked)'),
          'a***@g***.example A*** M*** ***', 'masked by kind');
select is(pg_temp.stored('num_nonnulls("E-Mail_search")'), '1', 'indexed');
select is(
  pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                  format('select pii.open(%L, %L, %L, %L)', pg_temp.a(), '"Odd schema"."Odd ''table''".' || c,
                         pg_temp.ada(), pg_temp.stored(format('%I', trim('"' from c) || '_encrypted')))),
  v, c || ' opens')
from (values ('"E-Mail"', 'Ada@guests.example'), ('name', 'Ada Moreau'), ('remark', 'likes the window')) as t (c, v);
select set_config('app.pii.key', pg_temp.key(), true);
select is(pii.move_to('"Odd schema"."Odd ''table''"', p), p, 'to ' || p)
  from unnest(array['backfilled', 'verified', 'switched', 'retiring']) as p;
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select changed from pii.seal_batch(''"Odd schema"."Odd ''''table''''"'', 10)'), '1',
                          'its plaintext goes');
select pii.move_to('"Odd schema"."Odd ''table''"', 'retired');
select is(pg_temp.stored('num_nonnulls("E-Mail", name, remark)'), '0', 'nothing stands in clear');
select is(pg_temp.outcome('app_background', null, pg_temp.key(),
                          'select checked || '' '' || damaged from pii.check_batch(''"Odd schema"."Odd '
                          '''''table''''"'', 10)'), '1 0', 'and everything opens');

select * from finish();
rollback;
