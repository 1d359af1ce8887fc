-- As one tenant, no statement reads, writes, moves or deletes a row of another, in any table.
begin;

\ir support/two-tenants.sql
\ir support/attempt.sql

-- More than it has anyway, so that it is row security alone that answers.
grant select, insert, update, delete on all tables in schema public to authenticated;

select plan(1 + 9 * count(*)::integer) from tenant_tables;
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

select is(
  pg_temp.attempt('app_background', null,
                  format('select from %s where %I in (%L, %L)', relation, tenant_column, mine, other)),
  '2', format('%s holds a row of either tenant', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine, format('select from %s', relation)),
  '1', format('%s shows a tenant its own row and no more', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine, format('select from %s where %I = %L', relation, tenant_column, other)),
  '0', format('%s has nothing of another tenant to show', relation)
) from tenant_tables;

-- Policies come before constraints: a row need not be complete to be refused for its tenant.
select is(
  pg_temp.attempt('authenticated', mine, pg_temp.insertion(relation, tenant_column, other)),
  '42501', format('%s takes no row for another tenant', relation)
) from tenant_tables;

select isnt(
  pg_temp.attempt('authenticated', mine, pg_temp.insertion(relation, tenant_column, mine)),
  '42501', format('%s takes a row for the tenant itself, as far as row security goes', relation)
) from tenant_tables where relation <> 'public.capacity_outbox_archive'::regclass;
select is(
  pg_temp.attempt('authenticated', mine, pg_temp.insertion(relation, tenant_column, mine)), '42501',
  format('%s takes rows from jobs only', relation)
) from tenant_tables where relation = 'public.capacity_outbox_archive'::regclass;

-- A constant and no WHERE: reading a column would bring in the policies for reading, and those for writing have to hold
-- by themselves. Append-only tables have no row to change for anybody.
select is(
  pg_temp.attempt('authenticated', mine, format('update %s set %I = %L', relation, tenant_column, other)),
  case when append_only then '0' else '42501' end, format('%s moves no row to another tenant', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine, format('update %s set %I = %L', relation, tenant_column, mine)),
  case when append_only then '0' else '1' end, format('%s moves no row of another tenant here', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine,
                  format('update %1$s set %2$I = %3$L where %2$I = %4$L', relation, tenant_column, mine, other)),
  '0', format('%s has nothing of another tenant to update', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine, format('delete from %s', relation)),
  case when append_only then '0' else '1' end, format('%s deletes no row of another tenant', relation)
) from tenant_tables;

select * from finish();
rollback;
