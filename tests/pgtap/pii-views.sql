-- Who reads what: tenants masked rows, pii_reader values in clear, each of the tenant in the context. A view that masks
-- is of no use beside a table that does not: once switched, tenants have no SELECT on it.
begin;

\ir support/pii.sql

select pg_temp.become('app_background', null, pg_temp.key());
insert into public.customers (restaurant_id, id, full_name, email, phone) values
  (pg_temp.a()::uuid, pg_temp.ada()::uuid, 'Ada', 'ada@guests.example', '+390105550101'),
  (pg_temp.b()::uuid, '22222222-2222-4222-8222-222222222222', 'Bilal', 'bilal@guests.example', '+390105550102');
reset role;

create temporary table views as
select unnest(array['customers_secure_view', 'customers_private_view', 'customers_admin_view']) as name;

select plan(57);

-- Row 33 of the catalogue: no security_invoker, and an owner whom row security binds and who does not own the table.
select is_empty(
  $$ select c.relname from pg_class as c join pg_roles as o on o.oid = c.relowner
       join pg_class as t on t.oid = 'public.customers'::regclass
     where c.relname in (select name from views)
       and (o.rolname <> 'app_pii' or o.rolsuper or o.rolbypassrls or c.relowner = t.relowner
            or pg_has_role(c.relowner, t.relowner, 'usage')
         or not coalesce(c.reloptions @> array['security_barrier=true'], false) or c.reloptions::text ~ 'invoker') $$,
  'the views belong to app_pii, which row security binds, and are barriers'
);
select is(relrowsecurity and relforcerowsecurity, true, 'row security is on and forced on the table') from pg_class
 where oid = 'public.customers'::regclass;
select is_empty(
  $$ select c.attname from pg_attribute as c
      where c.attrelid = 'public.customers'::regclass
        and c.attname in ('email', 'phone', 'email_normalized', 'phone_normalized')
       and has_column_privilege('app_pii', c.attrelid, c.attnum, 'select') $$,
  'app_pii does not read the plaintext'
);
select is(has_table_privilege('app_pii', 'public.customers', 'insert, update, delete, truncate, references, trigger'),
          false, 'and changes nothing');

create temporary table grants as
select r, v.name, has_any_column_privilege(r, 'public.' || v.name, 'select') as reads,
  has_any_column_privilege(r, 'public.' || v.name, 'insert, update, references')
    or has_table_privilege(r, 'public.' || v.name, 'delete, truncate, trigger') as writes
from unnest(array['authenticated', 'anonymous', 'app_background', 'pii_reader']) as r, views as v;
select is(reads, case name when 'customers_secure_view' then r <> 'anonymous' else r = 'pii_reader' end,
          format('%s and %s', r, name)) from grants;
select is_empty('select r, name from grants where writes', 'nobody writes through them');

-- The tenant
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          'select string_agg(full_name || email_masked || phone_masked, '','') from '
                          'public.customers_secure_view'),
  'Adaa***@g***.example+***01', 'a tenant reads its own row, masked, without a key');
select is(pg_temp.outcome('authenticated', pg_temp.b(), null,
                          'select string_agg(full_name, '','') from public.customers_secure_view'), 'Bilal',
                          'and another its own');
select is(pg_temp.outcome('authenticated', null, null, 'select count(*) from public.customers_secure_view'), '0',
          'nobody''s context, nobody''s rows');
select is(pg_temp.outcome('anonymous', pg_temp.a(), null, 'select count(*) from public.customers_secure_view'),
          '42501', 'anonymous reads nothing');
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(), format('select count(*) from public.%I', name)),
          '42501', format('a tenant does not read %s', name))
from views where name <> 'customers_secure_view';
select is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                          'select pii.open(restaurant_id, ''public.customers.email'', id, email_encrypted) from '
                          'public.customers'), '42501', 'nor opens a value by itself');

-- The privileged role
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                          format('select string_agg(full_name || email || phone, '','') from public.%I', name)),
  'Adaada@guests.example+390105550101', format('pii_reader reads %s in clear', name))
from views where name <> 'customers_secure_view';
select is(pg_temp.outcome('pii_reader', pg_temp.b(), pg_temp.key(),
                          format('select string_agg(full_name || email, '','') from public.%I', name)),
                          'Bilalbilal@guests.example', format('%s shows the tenant in the context', name))
from views where name <> 'customers_secure_view';
select is(pg_temp.outcome('pii_reader', null, pg_temp.key(), format('select count(*) from public.%I', name)),
          '0', format('and without one nothing, %s', name)) from views;
select is(pg_temp.outcome('pii_reader', pg_temp.a(), null, format('select email from public.%I', name)), 'PI001',
          format('%s wants the key', name)) from views where name <> 'customers_secure_view';
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.other_key(), format('select email from public.%I', name)),
          'PI003', format('%s wants the right one', name)) from views where name <> 'customers_secure_view';
select is(pg_temp.outcome('pii_reader', pg_temp.a(), null, 'select full_name from public.customers_private_view'),
          'Ada', 'a name needs none');
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(), 'select count(*) from public.customers'),
          '42501', 'pii_reader does not read the table');
select is(pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                          'select email_key || '' '' || email_masked from public.customers_admin_view'),
                          '1 a***@g***.example', 'support sees key ids and masks');

-- A job reads the masks of the tenant that it names, and no values.
select is(pg_temp.outcome('app_background', pg_temp.a(), null,
                          'select string_agg(full_name, '','') from public.customers_secure_view'), 'Ada',
                          'a job reads the masks of a tenant that it names');
select is(pg_temp.outcome('app_background', null, pg_temp.key(), 'select count(*) from public.customers_private_view'),
          '42501', 'and none in clear');

-- A function in a query's WHERE sees rows of the tenant only.
create table pg_temp.seen (name text);
grant insert on pg_temp.seen to public;
create function pg_temp.spy(name text) returns boolean language plpgsql cost 0.0000001
  as $$ begin insert into pg_temp.seen values (name); return true; end $$;
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          'select count(*) from public.customers_secure_view where pg_temp.spy(full_name)'), '1',
                          'a curious function is called');
select results_eq('select distinct name from pg_temp.seen', $$ values ('Ada') $$, 'for the tenant''s own rows');

-- The table itself
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select email from public.customers'),
          'ada@guests.example', 'before the switch a tenant reads its plaintext in the table');
select set_config('app.pii.key', pg_temp.key(), true);
select pii.move_to('public.customers', phase) from unnest(array['backfilled', 'verified', 'switched']) as phase;
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, format('select %I::text from public.customers', attname)),
          '42501', format('after it not %s', attname))
from pg_attribute
where attrelid = 'public.customers'::regclass
  and attname in ('email', 'phone', 'email_normalized', 'email_encrypted', 'email_search', 'full_name');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select c::text from public.customers as c'), '42501',
          'nor the row');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select id from public.customers'), pg_temp.ada(),
          'but its key');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          format('update public.customers set notes = ''x'' where id = %L', pg_temp.ada())), '1',
                          'so that it may change a row');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          format('update public.customers set notes = email where id = %L', pg_temp.ada())), '42501',
                          'and not copy from a column');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          'update public.customers set notes = ''x'' where email ~ ''^a'''), '42501',
                          'nor ask about it');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null,
                          format('update public.customers set notes = ''x'' where id = %L returning email',
                                 pg_temp.ada())), '42501', 'nor have it returned');
select tenancy.protect('public.customers', 'restaurant_id');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select email from public.customers'), '42501',
          'tenancy.protect() leaves it so');
select is(pg_temp.outcome('authenticated', pg_temp.a(), null, 'select id from public.customers'), pg_temp.ada(),
          'both ways');

select * from finish();
rollback;
