-- Tenant and background roles have SELECT, INSERT, UPDATE and DELETE at most; anonymous and PUBLIC have nothing.
begin;

create temporary table tenant_tables as
select distinct polrelid::regclass as relation from pg_policy where polname = 'tenant_floor';

create temporary table too_much as
select unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as privilege
union all select 'MAINTAIN' where current_setting('server_version_num')::integer >= 170000;

-- A table on which everything has been granted before it is protected, one column of it once more.
create table public.generous (restaurant_id uuid not null, note text);
grant all on public.generous to public, authenticated, anonymous, app_background;
grant all (note) on public.generous to public, authenticated, anonymous, app_background;
select tenancy.protect('public.generous', 'restaurant_id');
insert into tenant_tables values ('public.generous');

select plan((7 + 2 * (select count(*) from tenant_tables))::integer);
select cmp_ok(count(*), '>', 1::bigint, 'there are tenant tables') from tenant_tables;

select is(
  array(
    select format('%s to %s', privilege, role)
    from unnest(array['authenticated', 'app_background']) as role, too_much
    where has_table_privilege(role, relation, privilege)
  ),
  '{}'::text[], format('%s: no privilege that knows no rows', relation)
) from tenant_tables;

select is(
  array(
    select format('%s to %s', acl.privilege_type, acl.grantee::regrole)
    from pg_class
    cross join lateral (
      select * from aclexplode(relacl)
      union all
      select column_acl.* from pg_attribute, aclexplode(attacl) as column_acl where attrelid = relation
    ) as acl
    where pg_class.oid = relation and acl.grantee in (0, 'anonymous'::regrole)
  ),
  '{}'::text[], format('%s: nothing for anonymous and for everybody', relation)
) from tenant_tables;

select is(
  array(
    select distinct acl.privilege_type
    from pg_attribute, aclexplode(attacl) as acl
    where attrelid = 'public.generous'::regclass
  ),
  '{}'::text[], 'privileges on single columns are revoked too'
);
select ok(
  has_table_privilege('authenticated', 'public.generous', 'SELECT')
    and has_table_privilege('authenticated', 'public.generous', 'INSERT')
  and has_table_privilege('authenticated', 'public.generous', 'UPDATE')
  and has_table_privilege('authenticated', 'public.generous', 'DELETE'),
  'and what a tenant needs is granted'
);

-- Those who are isolated do not decide about it.
set local role authenticated;
select throws_ok($$ select tenancy.protect('public.generous', 'restaurant_id') $$, '42501',
                 'permission denied for function protect', 'tenants cannot call protect()');
select throws_ok($$ select tenancy.append_only('public.generous') $$, '42501',
                 'permission denied for function append_only', 'nor append_only()');
select throws_ok($$ create function tenancy.mine() returns integer language sql return 1 $$, '42501', null,
                 'nor make anything in schema tenancy');
select throws_ok(
  $$ create or replace function tenancy.context_source() returns text language sql stable return 'setting' $$,
  '42501', null,
  'nor choose the source of the context'
);

select * from finish();
rollback;
