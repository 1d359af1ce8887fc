-- The rows of a partitioned or inherited table are reached through the parent, and by no other way.
begin;

\ir support/attempt.sql

create table public.visits (restaurant_id uuid not null, day date not null) partition by range (day);
create table public.visits_2030 partition of public.visits for values from ('2030-01-01') to ('2031-01-01')
  partition by range (day);
create table public."Visits 1/2030" partition of public.visits_2030 for values from ('2030-01-01') to ('2030-02-01');
create table public.remarks (restaurant_id uuid not null, day date not null);
create table public.old_remarks () inherits (public.remarks);

create temporary table tenants as
select 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'::uuid as mine, 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'::uuid as other;
insert into public.visits select unnest(array[mine, other]), '2030-01-15' from tenants;
insert into public.old_remarks select unnest(array[mine, other]), '2030-01-15' from tenants;

-- As default privileges do.
grant all on public.visits_2030, public."Visits 1/2030", public.old_remarks to public, authenticated, anonymous,
app_background;

-- A database without the pack of partitions.
alter function partitions.isolate(regclass, regclass) rename to isolate_later;
select tenancy.protect('public.visits', 'restaurant_id');
select tenancy.protect('public.remarks', 'restaurant_id');
set local app.job = 'pgtap';

create temporary table ways as
select role, format(statement, child) as statement, format(statement, parent) as through_parent, after_grant, mine
from tenants,
  unnest(array['authenticated', 'anonymous', 'app_background']) as role,
  (values ('public.visits_2030', 'public.visits'), ('public."Visits 1/2030"', 'public.visits'),
   ('public.old_remarks', 'public.remarks'))
    as c (child, parent),
  (values
    ('select from %s', '0'),
    ('insert into %s values (''bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'', ''2030-01-16'')', '42501'),
    ('update %s set restaurant_id = ''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa''', '0'),
    ('delete from %s', '0')) as t (statement, after_grant);

select plan((17 + 3 * (select count(*) from ways))::integer);

select is(pg_temp.attempt(role, mine, statement), '42501', format('%s: %s', role, statement)) from ways;

grant select, insert, update, delete on public.visits_2030, public."Visits 1/2030", public.old_remarks to public;
select is(pg_temp.attempt(role, mine, statement), after_grant,
          format('%s, after a careless GRANT: %s', role, statement)) from ways;

select is(
  array(select inhrelid::regclass::text from pg_inherits join pg_policy on polrelid = inhrelid
         where inhparent = any (array['public.visits', 'public.visits_2030', 'public.remarks']::regclass[]::oid[])),
  '{}'::text[], 'no child has policies of its own'
);

-- With it a child has its parent's.
alter function partitions.isolate_later(regclass, regclass) rename to isolate;
select tenancy.protect('public.visits', 'restaurant_id');
select tenancy.protect('public.remarks', 'restaurant_id');
select is(
  array(select polname::text || ' ' || polpermissive from pg_policy where polrelid = child order by 1),
  array['background_access true', 'tenant_access true', 'tenant_floor false'],
  format('%s has the policies of its parent', child)
) from unnest(array['public.visits_2030', 'public."Visits 1/2030"', 'public.old_remarks']::regclass[]) as child;
select is_empty(
  $$ select c.oid::regclass, g.grantee from pg_class as c, aclexplode(c.relacl) as g
     where c.oid in ('public.visits_2030'::regclass, 'public."Visits 1/2030"'::regclass, 'public.old_remarks'::regclass)
       and g.grantee <> c.relowner $$,
  'and the privileges are gone again'
);

grant select, insert, update, delete on public.visits_2030, public."Visits 1/2030", public.old_remarks to public;
select is(
  pg_temp.attempt(role, mine, statement),
  pg_temp.attempt(case role when 'anonymous' then 'authenticated' else role end,
                  case role when 'anonymous' then null else mine end, through_parent),
  format('%s, after a careless GRANT, gets no more than through the parent: %s', role, statement)
) from ways;
select tenancy.protect('public.visits', 'restaurant_id');
select tenancy.protect('public.remarks', 'restaurant_id');

select is(pg_temp.attempt('authenticated', mine, 'select from public.visits'), '1',
          'a tenant reads its row through the partitioned table')
from tenants;
select is(pg_temp.attempt('authenticated', mine, 'select from public.remarks'), '1',
          'and through the table that others inherit from')
from tenants;
select is(
  pg_temp.attempt('authenticated', mine, format('insert into public.visits values (%L, ''2030-01-16'')', mine)),
  '1', 'it adds a row, which goes to the partition'
) from tenants;
select is(
  pg_temp.attempt('authenticated', mine, format('insert into public.visits values (%L, ''2030-01-16'')', other)),
  '42501', 'but none for another tenant'
) from tenants;
select is(pg_temp.attempt('authenticated', mine, 'delete from public.visits'), '1',
          'it deletes its own row of a partition') from tenants;
select is(pg_temp.attempt('authenticated', mine, 'delete from public.remarks'), '1', 'and of a child') from tenants;
select is(pg_temp.attempt('app_background', null, 'select from public.visits'), '2', 'a job reads all partitions')
  from tenants;
select is(pg_temp.attempt('app_background', null, 'select from public.remarks'), '2', 'and all children') from tenants;

-- A partition that comes later is shut by another call.
create table public.visits_2031 partition of public.visits for values from ('2031-01-01') to ('2032-01-01');
grant all on public.visits_2031 to authenticated;
select is(
  pg_temp.attempt('authenticated', mine, format('insert into public.visits_2031 values (%L, ''2031-01-01'')', other)),
  '1', 'a new partition is open where default privileges say so'
) from tenants;
select tenancy.protect('public.visits', 'restaurant_id');
select is(
  pg_temp.attempt('authenticated', mine, format('insert into public.visits_2031 values (%L, ''2031-01-01'')', other)),
  '42501', 'until protect() is called again'
) from tenants;
select is(relrowsecurity and relforcerowsecurity, true, 'which turns its row security on')
from pg_class where oid = 'public.visits_2031'::regclass;

-- What is said of the parent later is said of its children too.
select tenancy.append_only('public.visits');
select is(
  array(select polname::text from pg_policy where polrelid = 'public.visits_2031'::regclass order by 1),
  array['append_only_delete', 'append_only_update', 'background_access', 'tenant_access', 'tenant_floor'],
  'append_only() goes for children too'
);

select * from finish();
rollback;
