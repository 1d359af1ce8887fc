-- app_background reaches the rows of every tenant in a transaction that names a job, and none in one that does not.
begin;

\ir support/two-tenants.sql
\ir support/attempt.sql

create temporary table no_jobs as
select unnest(array['', ' ', 'Night', '1st', 'a b', 'a;b', E'a\n', repeat('x', 64)]) as name;

select plan((9 + (select 5 * count(*) from tenant_tables) + (select 2 * count(*) from no_jobs))::integer);
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

select is(rolbypassrls or rolsuper, false, 'row security holds for app_background') from pg_roles
 where rolname = 'app_background';

select is(
  pg_temp.attempt('app_background', null,
                  format('select from %s where %I in (%L, %L)', relation, tenant_column, mine, other)),
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
  pg_temp.attempt('app_background', mine, pg_temp.insertion(relation, tenant_column, mine)),
  '42501', format('%s takes nothing from app_background without a job', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('app_background', null, format('set local app.job = %L; select from public.restaurants', name)),
  '0', format('%L is no job', replace(name, E'\n', '\n'))
) from no_jobs;

select throws_ok(format('select tenancy.set_job(%L)', name), '22023', null,
                 format('set_job() refuses %L', replace(name, E'\n', '\n'))) from no_jobs;

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
