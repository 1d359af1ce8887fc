-- A careless permissive policy opens nothing, neither for tenants nor for a role that comes later.
begin;

\ir support/two-tenants.sql
\ir support/attempt.sql

do $$
declare
  t record;
begin
  create role newcomer nologin;
  grant newcomer to current_user;
  grant usage on schema public to newcomer;
  grant select, insert, update, delete on all tables in schema public to authenticated, newcomer;
  for t in select relation from tenant_tables loop
    execute format('create policy careless_for_all on %s using (true) with check (true)', t.relation);
    execute format('create policy careless_for_tenants on %s to authenticated using (true) with check (true)',
                   t.relation);
  end loop;
end
$$;

create temporary table roles as select unnest(array['authenticated', 'newcomer']) as role;

select plan(1 + 5 * count(*)::integer) from tenant_tables, roles;
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

select is(
  pg_temp.attempt(role, null, format('select from %s', relation)),
  '0', format('%s shows %s nothing without a context', relation, role)
) from tenant_tables, roles;

select is(
  pg_temp.attempt(role, mine, format('select from %s', relation)),
  '1', format('%s shows %s the rows of its context', relation, role)
) from tenant_tables, roles;

select is(
  pg_temp.attempt(role, mine, pg_temp.insertion(relation, tenant_column, other)),
  '42501', format('%s takes no row for another tenant from %s', relation, role)
) from tenant_tables, roles;

select is(
  pg_temp.attempt(role, mine, format('update %s set %I = %L', relation, tenant_column, mine)),
  case when append_only then '0' else '1' end, format('%s lets %s take no row', relation, role)
) from tenant_tables, roles;

select is(
  pg_temp.attempt(role, mine, format('delete from %s', relation)),
  case when append_only then '0' else '1' end, format('%s lets %s delete no row of another tenant', relation, role)
) from tenant_tables, roles;

select * from finish();
rollback;
