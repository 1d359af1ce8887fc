-- protect() refuses what it could not isolate, and says what to do.
begin;

create view public.a_view as select id as restaurant_id from public.restaurants;
create materialized view public.a_copy as select id as restaurant_id from public.restaurants;
create sequence public.a_sequence;
create table public."No Column" (id uuid not null);
create table public.dropped_column (restaurant_id uuid not null);
alter table public.dropped_column drop column restaurant_id;
create table public.nullable (restaurant_id uuid);
create table public.by_text (restaurant_id text not null);
create table public.parent (restaurant_id uuid not null);
create table public.child () inherits (public.parent);
select tenancy.protect('public.parent', 'restaurant_id');

-- On some platforms the owner does not administer these roles.
create function pg_temp.role_can_go() returns boolean
language plpgsql
as $$
begin
  alter role anonymous rename to anonymous_is_gone;
  return true;
exception
  when insufficient_privilege then
    return false;
end
$$;

select plan(13);

select throws_ok($$ select tenancy.protect('public.a_view', 'restaurant_id') $$, '42809',
                 'public.a_view is not a table', 'a view');
select throws_ok($$ select tenancy.protect('public.a_copy', 'restaurant_id') $$, '42809',
                 'public.a_copy is not a table', 'a materialized view');
select throws_ok($$ select tenancy.protect('public.a_sequence', 'restaurant_id') $$, '42809',
                 'public.a_sequence is not a table', 'a sequence');
select throws_ok($$ select tenancy.protect('public.nowhere', 'restaurant_id') $$, '42P01', null,
                 'a table that does not exist');
select throws_ok(
  $$ select tenancy.protect('public."No Column"', 'restaurant_id') $$, '42703',
  'public."No Column" has no column restaurant_id',
  'a table without the tenant column'
);
select throws_ok(
  $$ select tenancy.protect('public.dropped_column', 'restaurant_id') $$, '42703',
  'public.dropped_column has no column restaurant_id',
  'a table that has it no more'
);
select throws_ok($$ select tenancy.protect('public."No Column"', 'tableoid') $$, '42703', null, 'a system column');
select throws_ok(
  $$ select tenancy.protect('public.nullable', 'restaurant_id') $$, '55000',
  'the tenant column restaurant_id of public.nullable may be NULL',
  'a tenant column that may be NULL'
);
select throws_ok(
  $$ select tenancy.protect('public.by_text', 'restaurant_id') $$, '42804',
  'the tenant column restaurant_id of public.by_text is of type text',
  'a tenant column of another type'
);
select throws_ok(
  $$ select tenancy.protect('public.child', 'restaurant_id') $$, '42809',
  'public.child is a child of public.parent, which has row security',
  'a child of a protected table'
);
select throws_ok($$ select tenancy.protect(to_regclass('public.nowhere'), 'restaurant_id') $$, '22004', null,
                 'no table');
select throws_ok($$ select tenancy.protect('public.parent', null) $$, '22004', null, 'no column');

select case
  when pg_temp.role_can_go() then throws_ok(
    $$ select tenancy.protect('public.parent', 'restaurant_id') $$, '42704',
    'these roles of tenant isolation do not exist: anonymous',
    'a branch without one of the roles'
  )
  else skip('the role anonymous is not ours to rename')
end;

select * from finish();
rollback;
