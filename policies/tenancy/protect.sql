-- All that isolates a table, in one call that may be repeated. After adding a partition by hand it has to be: a partition
-- addressed by its own name does not have the row security of its parent.
create or replace function tenancy.protect(target regclass, tenant_column name) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  -- Where tenants may read some columns only, it stays so: what they read instead is a view that masks the others.
  readable constant pg_catalog.text := (
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_catalog.pg_attribute as a
    where a.attrelid = target
      and exists (select from aclexplode(a.attacl) as g where g.grantee = to_regrole('authenticated') and g.privilege_type = 'SELECT')
      and not exists (
        select from pg_catalog.pg_class as c, aclexplode(c.relacl) as g
        where c.oid = target and g.grantee = to_regrole('authenticated') and g.privilege_type = 'SELECT'
      )
  );
begin
  perform tenancy.assert_protectable(target, tenant_column);

  -- All privileges go first, since TRUNCATE, TRIGGER, REFERENCES and MAINTAIN know no rows. The floor is restrictive and
  -- for every role there will ever be, so that no careless permissive policy opens anything. Its OR also keeps the
  -- planner from applying the selectivity of the same comparison twice.
  execute format(
    $sql$
      alter table %1$s enable row level security, force row level security;

      revoke all on table %1$s from public, authenticated, anonymous, app_background;
      grant select%5$s, %2$s on table %1$s to authenticated;
      grant select, %2$s on table %1$s to app_background;

      drop policy if exists tenant_access on %1$s;
      create policy tenant_access on %1$s as permissive for all to authenticated
        using (%3$s) with check (%3$s);
      comment on policy tenant_access on %1$s is 'A tenant reaches its own rows.';

      drop policy if exists background_access on %1$s;
      create policy background_access on %1$s as permissive for all to app_background
        using (%4$s) with check (%4$s);
      comment on policy background_access on %1$s is 'A named background job reaches the rows of every tenant.';

      drop policy if exists tenant_floor on %1$s;
      create policy tenant_floor on %1$s as restrictive for all to public
        using (%3$s or %4$s) with check (%3$s or %4$s);
      comment on policy tenant_floor on %1$s is 'Whatever other policies say, nobody gets past this.';
    $sql$,
    target,
    case
      when exists (select from pg_catalog.pg_policy where polrelid = target and polname = 'append_only_update')
      then 'insert'
      else 'insert, update, delete'
    end,
    format('%I = (select public.current_restaurant_id())', tenant_column),
    '(select tenancy.is_background())',
    ' (' || readable || ')'
  );

  perform tenancy.isolate_children(target);
end
$$;

comment on function tenancy.protect(regclass, name) is
  'Isolates the rows of a table by its tenant column: sets its privileges, forces row security on it and its '
  'children, and makes the policies tenant_access, background_access and tenant_floor. Leaves other policies '
  'alone, and SELECT by column where tenants have no more.';

create or replace function tenancy.assert_protectable(target regclass, tenant_column name) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  kind constant pg_catalog."char" := (select relkind from pg_catalog.pg_class where oid = target);
  parent constant pg_catalog.regclass := (
    select p.oid
    from pg_catalog.pg_inherits as i join pg_catalog.pg_class as p on p.oid = i.inhparent
    where i.inhrelid = target and p.relrowsecurity
    limit 1
  );
  missing constant pg_catalog.text := (
    select string_agg(role, ', ')
    from unnest(array['authenticated', 'anonymous', 'app_background']) as role
    where to_regrole(role) is null
  );
  attribute record;
begin
  if target is null or tenant_column is null then
    raise null_value_not_allowed using message = 'tenancy.protect() needs a table and its tenant column';
  end if;
  if missing is not null then
    raise undefined_object using
      message = format('these roles of tenant isolation do not exist: %s', missing),
      hint = 'Run "harness setup" on this branch first.';
  end if;
  if kind not in ('r', 'p') then
    raise wrong_object_type using
      message = format('%s is not a table', target),
      hint = 'Only tables have row security: protect those that it reads.';
  end if;
  if parent is not null then
    raise wrong_object_type using
      message = format('%s is a child of %s, which has row security', target, parent),
      hint = 'Protect the parent: that shuts its children.';
  end if;

  select atttypid::pg_catalog.regtype as type, attnotnull as required
  into attribute
  from pg_catalog.pg_attribute
  where attrelid = target and attname = tenant_column and attnum > 0 and not attisdropped;

  if not found then
    raise undefined_column using
      message = format('%s has no column %I', target, tenant_column),
      hint = 'Add one: a policy that looks the tenant up in another table is slow and easy to get wrong.';
  end if;
  if attribute.type <> 'pg_catalog.uuid'::pg_catalog.regtype then
    raise datatype_mismatch using
      message = format('the tenant column %I of %s is of type %s', tenant_column, target, attribute.type),
      hint = 'Make it a uuid, as tenants are: a cast in the policy would keep queries off the index.';
  end if;
  if not attribute.required then
    raise object_not_in_prerequisite_state using
      message = format('the tenant column %I of %s may be NULL', tenant_column, target),
      hint = format('Give every row a tenant, then: alter table %s alter column %I set not null;', target, tenant_column);
  end if;
end
$$;

comment on function tenancy.assert_protectable(regclass, name) is
  'Raises an error, with the cure in its hint, if tenancy.protect() could not isolate the table.';

revoke execute on function
  tenancy.protect(regclass, name),
  tenancy.assert_protectable(regclass, name)
from public;
