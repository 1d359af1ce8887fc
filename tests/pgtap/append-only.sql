-- An append-only table takes rows and keeps them: from tenants and from background jobs, also after a careless GRANT.
begin;

\ir support/attempt.sql

create table public.ledger (restaurant_id uuid not null, id integer not null, note text,
                            primary key (restaurant_id, id));
select tenancy.protect('public.ledger', 'restaurant_id');
select tenancy.append_only('public.ledger');

create temporary table attempts as
select role, 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'::uuid as tenant, statement, after_grant
from unnest(array['authenticated', 'app_background']) as role,
  (values
    ($$ update public.ledger set note = 'changed' $$, '0'),
    ($$ delete from public.ledger $$, '0'),
    ($$ select from public.ledger for update $$, '0'),
    ($$ insert into public.ledger select * from public.ledger on conflict (restaurant_id, id) do update
                                     set note = 'changed' $$, '42501'),
    ($$ truncate public.ledger $$, '42501')) as t (statement, after_grant);

select plan((10 + 3 * (select count(*) from attempts))::integer);

set local role app_background;
set local app.job = 'pgtap';
select lives_ok(
  $$ insert into public.ledger values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 1),
  ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 1) $$,
  'a job adds rows'
);
reset role;
select is(
  pg_temp.attempt('authenticated', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
    $$ insert into public.ledger values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 2) $$),
  '1', 'a tenant adds a row'
);
select is(
  pg_temp.attempt('authenticated', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'select from public.ledger'),
  '1', 'and reads its own'
);

select is(pg_temp.attempt(role, tenant, statement), '42501', format('%s:%s', role, statement)) from attempts;

select tenancy.protect('public.ledger', 'restaurant_id');
select is(
  pg_temp.attempt(role, tenant, statement), '42501', format('%s, protected again:%s', role, statement)
) from attempts;

grant update, delete on public.ledger to public, authenticated, app_background;
create policy careless on public.ledger using (true) with check (true);
select is(
  pg_temp.attempt(role, tenant, statement), after_grant, format('%s, after a careless GRANT:%s', role, statement)
) from attempts;

select lives_ok($$ select tenancy.append_only('public.ledger') $$, 'it may be called again');
select is(
  (select count(*) from pg_policy where polrelid = 'public.ledger'::regclass and polname like 'append\_only\_%'),
  2::bigint, 'which leaves one policy of each kind'
);
select is(
  (select count(*) from unnest(array['authenticated', 'app_background']) as role
   where has_table_privilege(role, 'public.ledger', 'update, delete, truncate')),
  0::bigint, 'and takes the careless GRANT back'
);

create table public.open_ledger (restaurant_id uuid not null);
select throws_ok($$ select tenancy.append_only('public.open_ledger') $$, '55000', 'public.open_ledger is not protected',
                 'not before protect()');
select throws_ok($$ select tenancy.append_only(null) $$, '55000', null, 'not for no table');

-- The platform's own records.
select is(
  array(select polrelid::regclass::text from pg_policy join pg_class as c on c.oid = polrelid
         where polname = 'append_only_update' and polrelid <> 'public.ledger'::regclass and not c.relispartition
         order by 1),
  array['allocation_ledger', 'analytics_events', 'observability_events', 'pii.erasures'],
  'the ledger, the tables of events and the book of erasures are append-only'
);
select is(
  array(select polrelid::regclass::text from pg_policy join pg_class as c on c.oid = polrelid
         where polname = 'append_only_delete' and polrelid <> 'public.ledger'::regclass and not c.relispartition
         order by 1),
  array['allocation_ledger', 'analytics_events', 'observability_events', 'pii.erasures'], 'for both kinds of change'
);

select * from finish();
rollback;
