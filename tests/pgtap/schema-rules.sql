-- What every table and function of the platform keeps to, by the catalogue.
begin;

create temporary table tenant_tables as
select c.oid as relation, a.attnum as tenant_attribute
from pg_class as c
left join pg_attribute as a
  on a.attrelid = c.oid and a.attname = case c.relname when 'restaurants' then 'id' else 'restaurant_id' end
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition;

select plan(26);

select isnt_empty('select from tenant_tables', 'there are tables');

select is_empty(
  'select relation::regclass from tenant_tables where tenant_attribute is null',
  'every table has a tenant column'
);

select is_empty(
  $$ select relation::regclass from tenant_tables join pg_class as c on c.oid = relation
     where not (c.relrowsecurity and c.relforcerowsecurity) $$,
  'row security is on and forced everywhere'
);

select is_empty(
  $$ select relation::regclass, wanted.*
     from tenant_tables, (values
       ('tenant_access', true, array['authenticated'::regrole::oid]),
       ('background_access', true, array['app_background'::regrole::oid]),
       ('tenant_floor', false, array[0::oid])) as wanted (name, permissive, roles)
     where not exists (
       select from pg_policy
       where polrelid = relation and polname = wanted.name and polpermissive = wanted.permissive
         and polroles = wanted.roles and polcmd = '*'
     ) $$,
  'every table has the policies of tenancy.protect()'
);

select is_empty(
  $$ select inhrelid::regclass
     from pg_inherits join tenant_tables on relation = inhparent join pg_class as c on c.oid = inhrelid
     where not (c.relrowsecurity and c.relforcerowsecurity) $$,
  'so it is on partitions'
);

select is_empty(
  $$ select relation::regclass from tenant_tables join pg_attribute on attrelid = relation and attnum = tenant_attribute
     where not attnotnull $$,
  'no tenant column may be NULL'
);

select is_empty(
  $$ select relation::regclass from tenant_tables join pg_attribute on attrelid = relation and attnum = tenant_attribute
     where atthasdef and relation <> 'public.restaurants'::regclass $$,
  'no tenant column has a default, which would give rows away'
);

select is_empty(
  $$ select conrelid::regclass, conname
     from pg_constraint
     join tenant_tables as source on source.relation = conrelid
     join tenant_tables as target on target.relation = confrelid
     where contype = 'f' and not exists (
       select from unnest(conkey, confkey) as pair (referencing, referenced)
       where pair.referencing = source.tenant_attribute and pair.referenced = target.tenant_attribute
     ) $$,
  'foreign keys carry the tenant, so that no row can refer to a row of another'
);

select is_empty(
  $$ select indexrelid::regclass from pg_index join tenant_tables on relation = indrelid
     where (indisunique or indisexclusion) and indkey[0] is distinct from tenant_attribute $$,
  'unique keys and exclusions begin with the tenant, so that no tenant runs into what another has'
);

select is_empty(
  $$ select relation::regclass from tenant_tables
     where not exists (select from pg_index
                        where indrelid = relation and indkey[0] = tenant_attribute and indpred is null
                          and indisvalid) $$,
  'every table has an index that begins with the tenant, for its policies'
);

select is_empty(
  $$ select conrelid::regclass, conname
     from pg_constraint join tenant_tables on relation = conrelid
     where contype = 'f' and not exists (
       select from pg_index
       where indrelid = conrelid and indisvalid and (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
     ) $$,
  'every foreign key has an index, for deletes on the other side'
);

select is_empty(
  $$ select relation::regclass, attname from tenant_tables join pg_attribute on attrelid = relation
     where attnum > 0 and not attisdropped and atttypid in ('timestamp'::regtype, 'timetz'::regtype) $$,
  'moments have a time zone'
);

-- app_pii is the one owner with whose rights others may work: row security binds it, and it owns no table.
select is_empty(
  $$ select oid::regclass from pg_class
     where relnamespace = 'public'::regnamespace
       and (relkind = 'm' or relkind = 'v' and not coalesce(reloptions @> array['security_invoker=true'], false)
         and not (relowner = 'app_pii'::regrole and coalesce(reloptions @> array['security_barrier=true'], false))) $$,
  'no view runs with the rights of its owner, unless that is app_pii and the view a barrier'
);
select is_empty(
  $$ select rolname from pg_roles
     where rolname in ('app_pii', 'pii_reader')
       and (rolsuper or rolbypassrls or rolreplication or rolcreaterole or rolcreatedb or rolcanlogin) $$,
  'row security holds for app_pii and pii_reader, and nobody logs in as them'
);
select is_empty(
  $$ select oid::regclass from pg_class
      where relowner in ('app_pii'::regrole, 'pii_reader'::regrole) and relkind in ('r', 'p', 'm', 'f') $$,
  'they own no table'
);
select is_empty(
  $$ select r.rolname, g.rolname from pg_auth_members as m join pg_roles as r on r.oid = m.member
       join pg_roles as g on g.oid = m.roleid
     where g.rolname in ('app_pii', 'pii_reader')
       and r.rolname in ('authenticated', 'anonymous', 'app_background', 'authenticator', 'app_pii', 'pii_reader') $$,
  'no role of tenants or jobs is a member of them'
);

create temporary table functions as
select p.oid::regprocedure as name, p.*
from pg_proc as p
where p.pronamespace in ('public'::regnamespace, 'tenancy'::regnamespace, 'pii'::regnamespace, 'outbox'::regnamespace,
                         'partitions'::regnamespace)
  and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e');

select isnt_empty('select from functions', 'there are functions');
select is_empty(
  $$ select name from functions where prosecdef and proowner <> 'app_pii'::regrole $$,
  'none runs with the rights of its owner, unless that is app_pii'
);
select is_empty(
  $$ select name from functions
      where prosecdef
        and not (pronamespace = 'pii'::regnamespace or name::text ~ '^find_customers_by_(email|phone)\(') $$,
  'and those are in schema pii, or the look-ups'
);
-- What nobody but app_pii may call runs under the search_path of the SECURITY DEFINER that calls it.
select is_empty(
  $$ select name from functions
     where prosqlbody is null
       and not coalesce(proconfig @> array[case when prosecdef then 'search_path=pg_catalog, pg_temp'
                                                else 'search_path=""' end], false)
       and not (proowner = 'app_pii'::regrole and not prosecdef
         and not exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) as g
                          where g.grantee <> proowner)) $$,
  'each is bound to what it calls, or has a search_path that nobody can put anything into'
);
select is_empty(
  $$ select name from functions
      where prosecdef and exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) as g
                                   where g.grantee = 0) $$,
  'none that runs with the rights of app_pii is for everybody'
);
select is_empty(
  $$ select name, r from functions, unnest(array['authenticated', 'anonymous']) as r
     where pronamespace = 'pii'::regnamespace and (prosecdef or provolatile = 'v')
       and has_function_privilege(r, name, 'execute') $$,
  'tenants may call nothing in schema pii but what folds and masks'
);
select is_empty(
  $$ select name from functions where pg_get_functiondef(oid) ~* 'set_config\([^;]*,\s*false\s*\)' $$,
  'none sets anything for longer than the transaction'
);
select is_empty($$ select name from functions where obj_description(oid, 'pg_proc') is null $$, 'each has a comment');
select is_empty(
  $$ select relation::regclass from tenant_tables where obj_description(relation, 'pg_class') is null $$,
  'and so has each table'
);

select is_empty(
  $$ select rolname from pg_roles
     where rolname in ('authenticated', 'anonymous', 'app_background')
       and (rolsuper or rolbypassrls or rolreplication or rolcreaterole or rolcreatedb) $$,
  'row security holds for the roles, and they cannot get around it'
);

select * from finish();
rollback;
