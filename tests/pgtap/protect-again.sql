-- protect() may be called again at any time, on tables of any name: what it makes is there already, and the rest stays.
begin;

create schema "A ""Schema""";
create table "A ""Schema"""."Ta ble" ("Ten'ant ""Id""" uuid not null);
select tenancy.protect('"A ""Schema"""."Ta ble"', 'Ten''ant "Id"');
create policy "The application's" on "A ""Schema"""."Ta ble" for select to authenticated using (false);

create function pg_temp.isolation(target regclass) returns text
language sql
as $$
  select format('%s, %s, %s', relrowsecurity, relforcerowsecurity,
                array(select acl::text from unnest(relacl) as acl order by 1))
    || (
      select string_agg(concat_ws(', ', E'\n' || polname, polpermissive, polcmd, polroles,
                                  pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid), obj_description(pg_policy.oid, 'pg_policy')), '' order by polname)
      from pg_policy where polrelid = target
    )
  from pg_class where oid = target
$$;

create temporary table tenant_tables as
select c.oid::regclass as relation, a.attname as tenant_column, pg_temp.isolation(c.oid) as isolation
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid
where c.relnamespace in ('public'::regnamespace, '"A ""Schema"""'::regnamespace) and c.relkind in ('r', 'p')
  and not c.relispartition
  and a.attname = case c.relname when 'restaurants' then 'id' when 'Ta ble' then 'Ten''ant "Id"'
                       else 'restaurant_id' end;

select plan((4 + (select count(*) from tenant_tables))::integer);
select cmp_ok(count(*), '>', 1::bigint, 'there are tenant tables') from tenant_tables;

select tenancy.protect(relation, tenant_column) from tenant_tables;
select is(pg_temp.isolation(relation), isolation, format('%s is as it was', relation)) from tenant_tables;

select is(
  (select count(*) from pg_policy where polrelid = '"A ""Schema"""."Ta ble"'::regclass), 4::bigint,
  'the application''s own policy stays'
);

-- What has been broken is mended.
alter table "A ""Schema"""."Ta ble" no force row level security, disable row level security;
drop policy tenant_floor on "A ""Schema"""."Ta ble";
alter policy tenant_access on "A ""Schema"""."Ta ble" using (true) with check (true);
grant truncate on "A ""Schema"""."Ta ble" to authenticated;
select isnt(pg_temp.isolation(relation), isolation, 'a broken table differs') from tenant_tables
 where relation = '"A ""Schema"""."Ta ble"'::regclass;
select tenancy.protect(relation, tenant_column) from tenant_tables where relation = '"A ""Schema"""."Ta ble"'::regclass;
select is(pg_temp.isolation(relation), isolation, 'and is mended') from tenant_tables
 where relation = '"A ""Schema"""."Ta ble"'::regclass;

select * from finish();
rollback;
