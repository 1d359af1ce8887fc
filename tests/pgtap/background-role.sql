-- app_background reaches the rows of every tenant in a transaction that names a job, and none in one that does not.
begin;

create temporary table tenant_tables as
select
  c.oid::regclass as relation,
  a.attname as tenant_column,
  exists (select from pg_policy where polrelid = c.oid and polname = 'append_only_update') as append_only,
  'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'::uuid as mine,
  'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'::uuid as other
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attname = case c.relname when 'restaurants' then 'id' else 'restaurant_id' end;

-- A row of either tenant in every table. Any values do, since the constraints that would mind are gone until the rollback.
do $$
begin
  execute (
    select string_agg(format('alter table %s drop constraint %I', relation, conname), '; ' order by contype <> 'f')
    from pg_constraint join tenant_tables on relation = conrelid
    where contype in ('c', 'f', 'x')
  );
  grant select on tenant_tables to public;
  set local role app_background;
  set local app.job = 'pgtap';
  execute (
    select string_agg(insertion, '; ')
    from (
      select format(
        'insert into %s (%s) select %s from unnest(array[%L, %L]::uuid[]) as tenant',
        relation,
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(
          case
            when attname = tenant_column then 'tenant'
            when atttypid = 'uuid'::regtype then 'gen_random_uuid()'
            when atttypid in ('date'::regtype, 'timestamptz'::regtype) then 'now()'
            else '''1'''
          end, ', ' order by attnum
        ),
        mine, other
      ) as insertion
      from tenant_tables join pg_attribute on attrelid = relation
      where attname = tenant_column or attnum > 0 and attnotnull and not atthasdef and attidentity = ''
      group by relation, mine, other
    ) as insertions
  );
  reset role;
end
$$;

-- How many rows a statement reaches as some role and tenant, or the SQLSTATE it ends with. It is undone at once.
create function pg_temp.attempt(as_role text, tenant uuid, statement text) returns text
language plpgsql
as $$
declare
  reached bigint;
begin
  perform set_config('app.restaurant_id', coalesce(tenant::text, ''), true);
  perform set_config('request.jwt.claims', json_build_object('activeRestaurantId', tenant)::text, true);
  perform set_config('role', as_role, true);
  execute statement;
  get diagnostics reached = row_count;
  raise sqlstate 'UNDO0';
exception
  when sqlstate 'UNDO0' then
    return reached;
  when others then
    return sqlstate;
end
$$;

create temporary table no_jobs as
select unnest(array['', ' ', 'Night', '1st', 'a b', 'a;b', E'a\n', repeat('x', 64)]) as name;

select plan((9 + (select 5 * count(*) from tenant_tables) + (select 2 * count(*) from no_jobs))::integer);
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

select is(rolbypassrls or rolsuper, false, 'row security holds for app_background') from pg_roles where rolname = 'app_background';

select is(
  pg_temp.attempt('app_background', null, format('select from %s where %I in (%L, %L)', relation, tenant_column, mine, other)),
  '2', format('%s shows a job the rows of every tenant', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('app_background', mine, format('select from %s where %I = %L', relation, tenant_column, other)),
  '1', format('%s shows a job every tenant even where the context names one', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', null, format('select from %s', relation)),
  '0', format('%s shows a tenant role nothing for naming a job', relation)
) from tenant_tables;

select tenancy.set_job(null);

select is(
  pg_temp.attempt('app_background', mine, format('select from %s', relation)),
  '0', format('%s shows app_background nothing without a job, whatever the context', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('app_background', mine, format('insert into %s (%I) values (%L)', relation, tenant_column, mine)),
  '42501', format('%s takes nothing from app_background without a job', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('app_background', null, format('set local app.job = %L; select from public.restaurants', name)),
  '0', format('%L is no job', replace(name, E'\n', '\n'))
) from no_jobs;

select throws_ok(format('select tenancy.set_job(%L)', name), '22023', null, format('set_job() refuses %L', replace(name, E'\n', '\n'))) from no_jobs;

-- set_job() as the role itself calls it, to the end of the transaction and no further.
savepoint before_job;
set local role app_background;
select lives_ok($$ select tenancy.set_job('night-audit_2') $$, 'app_background may name a job');
select is(tenancy.current_job(), 'night-audit_2', 'the job is named');
select is(tenancy.is_background(), true, 'it counts');
select isnt_empty('select from public.restaurants', 'it reaches rows');
select is(public.require_restaurant_context(), null, 'it may go without a restaurant');
rollback to savepoint before_job;
select is(tenancy.current_job(), null, 'a rollback takes the job back');

select is(tenancy.is_background(), false, 'the owner is no background role');

select * from finish();
rollback;
