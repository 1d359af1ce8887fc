-- As one tenant, no statement reads, writes, moves or deletes a row of another, in any table.
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

-- More than it has anyway, so that it is row security alone that answers.
grant select, insert, update, delete on all tables in schema public to authenticated;

select plan(1 + 9 * count(*)::integer) from tenant_tables;
select isnt(count(*), 0::bigint, 'there are tenant tables') from tenant_tables;

select is(
  pg_temp.attempt('app_background', null, format('select from %s where %I in (%L, %L)', relation, tenant_column, mine, other)),
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
  pg_temp.attempt('authenticated', mine, format('insert into %s (%I) values (%L)', relation, tenant_column, other)),
  '42501', format('%s takes no row for another tenant', relation)
) from tenant_tables;

select isnt(
  pg_temp.attempt('authenticated', mine, format('insert into %s (%I) values (%L)', relation, tenant_column, mine)),
  '42501', format('%s takes a row for the tenant itself, as far as row security goes', relation)
) from tenant_tables;

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
  pg_temp.attempt('authenticated', mine, format('update %1$s set %2$I = %3$L where %2$I = %4$L', relation, tenant_column, mine, other)),
  '0', format('%s has nothing of another tenant to update', relation)
) from tenant_tables;

select is(
  pg_temp.attempt('authenticated', mine, format('delete from %s', relation)),
  case when append_only then '0' else '1' end, format('%s deletes no row of another tenant', relation)
) from tenant_tables;

select * from finish();
rollback;
