--! Previous: -
--! Hash: sha1:75b1e01b43596da3c3f916ee9719a17b97e5a419
--! Message: tenancy

-- Source: policies/tenancy/ (edit there, then harness commit --pack tenancy)

--! Included tenancy/schema.sql
-- The home of tenant isolation. The owner of the database owns all of it, and nobody else can change it.
create schema if not exists tenancy;
comment on schema tenancy is 'Tenant isolation: who the tenant is, and what protects its rows.';

-- USAGE for everybody, because policies are for every role and call these functions as whoever queries; they tell a
-- session nothing but its own context. The functions that change something are closed one by one.
revoke all on schema tenancy from public;
grant usage on schema tenancy to public;
--! EndIncluded tenancy/schema.sql
--! Included tenancy/claims.sql
-- Who the session says it is: the part that depends on the branch. This file may be run again at any time, for
-- instance when pg_session_jwt has come later than the migrations: nothing that calls these functions is dropped.

do $$
begin
  -- What the owner has chosen already stays.
  if to_regprocedure('tenancy.context_source()') is null then
    create function tenancy.context_source() returns text
    language sql stable parallel safe
    return 'both';
  end if;
end
$$;

comment on function tenancy.context_source() is
  'What names the tenant: claims, setting, or both, where two that disagree name nobody. It is a function because '
  'only its owner can replace it; a setting anybody could set.';

do $$
begin
  if exists (select from pg_catalog.pg_extension where extname = 'pg_session_jwt') then
    if not has_schema_privilege('auth', 'usage') then
      raise insufficient_privilege using
        message = format('role %I may not use schema auth of the extension pg_session_jwt', current_user),
        hint = 'Grant it USAGE on schema auth as the owner of that schema, or run this as a role that has it.';
    end if;
    -- Through the extension, so that its signed mode counts. It answers JSON null both where nothing is set and where it is junk.
    create or replace function tenancy.claims() returns jsonb
    language sql stable parallel safe
    return case
      when octet_length(current_setting('request.jwt.claims', true)) > 16384 then 'null'::jsonb
      else coalesce(nullif(auth.session(), 'null'::jsonb),
                    case when current_setting('request.jwt.claims', true) <> '' then 'null'::jsonb end)
    end;
  elsif current_setting('server_version_num')::int >= 160000 then
    create or replace function tenancy.claims() returns jsonb
    language sql stable parallel safe
    return case
      when octet_length(current_setting('request.jwt.claims', true)) > 16384 then 'null'::jsonb
      when pg_input_is_valid(current_setting('request.jwt.claims', true), 'pg_catalog.jsonb')
      then current_setting('request.jwt.claims', true)::jsonb
      when current_setting('request.jwt.claims', true) <> '' then 'null'::jsonb
    end;
  else
    -- Not even PARALLEL RESTRICTED: on these servers the leader of a parallel plan cannot begin the subtransaction of a
    -- handler either.
    create or replace function tenancy.claims() returns jsonb
    language plpgsql stable parallel unsafe
    set search_path = ''
    as $function$
    begin
      return case
        when octet_length(current_setting('request.jwt.claims', true)) > 16384 then 'null'
        else nullif(current_setting('request.jwt.claims', true), '')
      end::pg_catalog.jsonb;
    exception
      when data_exception or program_limit_exceeded then
        return 'null';
    end
    $function$;
  end if;
end
$$;

comment on function tenancy.claims() is
  'The claims of the session. SQL NULL: there are none. Anything but an object, such as JSON null: there are some and they cannot '
  'be read, being no JSON, no object, or longer than the 16 KiB that a token could have. Never raises an error. The one function '
  'that knows the platform.';
--! EndIncluded tenancy/claims.sql
--! Included tenancy/claim.sql
-- Only a string counts: ->> alone makes text of ["a"], 1.0 and {} too, and that might pass for an identifier.
create or replace function tenancy.claim(name text) returns text
language sql stable
return case when jsonb_typeof(tenancy.claims() -> name) = 'string' then tenancy.claims() ->> name end;

-- No function may call itself more parallel than what it calls.
do $$
begin
  execute 'alter function tenancy.claim(text) parallel ' || (
    select case proparallel when 's' then 'safe' else 'unsafe' end
    from pg_catalog.pg_proc
    where oid = 'tenancy.claims()'::regprocedure
  );
end
$$;

comment on function tenancy.claim(text) is
  'One claim of the session if it is a string, otherwise NULL. Of a key that occurs twice the last counts.';
--! EndIncluded tenancy/claim.sql
--! Included tenancy/context.sql
-- One spelling of a uuid: no client has reason to send the others that the type takes, in braces or without hyphens.
create or replace function tenancy.uuid_or_null(value text) returns uuid
language sql immutable parallel safe
return substring(value, '^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')::uuid;

comment on function tenancy.uuid_or_null(text) is
  'The text as a uuid, or NULL if it is none in the form with four hyphens. Never raises an error.';

-- STABLE, because plans freeze what is IMMUTABLE. PL/pgSQL, because every statement on a protected table calls it twice:
-- its plan is kept for the session, where that of a SQL function is made anew for each statement. Types are qualified,
-- because even with an empty search_path those in the session's temporary schema come first.
create or replace function public.current_restaurant_id() returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  source constant pg_catalog.text := tenancy.context_source();
  claims constant pg_catalog.jsonb := case when source in ('claims', 'both') then tenancy.claims() end;
  -- ->> makes text of what is no string too, which is no uuid then, and so no tenant.
  claim constant pg_catalog.text := claims ->> 'activeRestaurantId';
  -- '' is what a setting goes back to after the first transaction that set it.
  setting constant pg_catalog.text := case
    when source in ('setting', 'both') then nullif(current_setting('app.restaurant_id', true), '')
  end;
begin
  -- Claims that are there and name no tenant must not leave the choice to the setting.
  if jsonb_typeof(claims) <> 'object' or claims -> 'activeRestaurantId' = 'null' or lower(claim) <> lower(setting) then
    return null;
  end if;
  return tenancy.uuid_or_null(coalesce(claim, setting));
end
$$;

-- No function may call itself more parallel than what it calls.
do $$
begin
  execute 'alter function public.current_restaurant_id() parallel ' || (
    select case proparallel when 's' then 'safe' else 'unsafe' end
    from pg_catalog.pg_proc
    where oid = 'tenancy.claims()'::regprocedure
  );
end
$$;

comment on function public.current_restaurant_id() is
  'The restaurant whose rows this transaction may see, from the claim activeRestaurantId and the setting '
  'app.restaurant_id; NULL, which matches no row, if they name none, something else than a uuid, or two, and if there are '
  'claims that cannot be read. Never raises an error.';

-- For code that must not go on without a restaurant. 28000 and not 42501: not to have said who one is differs from
-- asking for a row of somebody else.
create or replace function public.require_restaurant_context() returns uuid
language plpgsql stable
set search_path = ''
as $$
declare
  restaurant constant pg_catalog.uuid := public.current_restaurant_id();
begin
  if restaurant is null and not tenancy.is_background() then
    raise invalid_authorization_specification using
      message = 'this transaction names no restaurant',
      hint = 'Set the claim activeRestaurantId or call set_restaurant_context() in this transaction; two have to agree.';
  end if;
  return restaurant;
end
$$;

comment on function public.require_restaurant_context() is
  'current_restaurant_id(), or an error if that is NULL. Only a background job may go on without: it gets NULL.';

-- For the transaction only: behind a pooler, what lasts longer reaches the next tenant on the connection.
create or replace function public.set_restaurant_context(restaurant uuid) returns void
language sql
begin atomic
  select set_config('app.restaurant_id', coalesce(restaurant::text, ''), true);
end;

comment on function public.set_restaurant_context(uuid) is
  'Names the restaurant until the transaction ends; NULL names none.';
--! EndIncluded tenancy/context.sql
--! Included tenancy/background.sql
-- Work across tenants is for the role app_background in a transaction that says for which job. The role has no
-- BYPASSRLS: what it may do stands in policies, and a session that merely has the role sees nothing.

create or replace function tenancy.current_job() returns text
language sql stable parallel safe
return substring(current_setting('app.job', true), '^[a-z][a-z0-9_-]{0,62}$');

comment on function tenancy.current_job() is
  'The background job of this transaction, or NULL if it names none, or not properly.';

create or replace function tenancy.is_background() returns boolean
language plpgsql stable parallel safe
set search_path = ''
as $$
begin
  return current_user = 'app_background' and tenancy.current_job() is not null;
end
$$;

comment on function tenancy.is_background() is 'Whether this transaction may reach the rows of every tenant.';

-- Anybody may call this: anybody can set the setting, and it gives nothing to any other role.
create or replace function tenancy.set_job(job text) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform set_config('app.job', coalesce(job, ''), true);
  if job is not null and tenancy.current_job() is null then
    raise invalid_parameter_value using
      message = format('%L cannot be the name of a job', job),
      hint = 'Use up to 63 lower-case letters, digits, "-" and "_", beginning with a letter.';
  end if;
end
$$;

comment on function tenancy.set_job(text) is 'Names the background job until the transaction ends; NULL names none.';
--! EndIncluded tenancy/background.sql
--! Included tenancy/isolate-children.sql
-- Partitions and inheritance children are reached through their parent only: row security of the parent does not apply to whoever
-- names a child. So they have no privileges. Where there is a schema partitions, they also get their parent's policies, for the day
-- that somebody grants some; elsewhere they have row security without a policy, which is shut.
create or replace function tenancy.isolate_children(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  child record;
begin
  for child in
    with recursive tree as (
      select inhrelid from pg_catalog.pg_inherits where inhparent = target
      union
      select i.inhrelid from pg_catalog.pg_inherits as i join tree on i.inhparent = tree.inhrelid
    )
    select c.oid::pg_catalog.regclass as name, c.relkind in ('r', 'p') as has_row_security
    from tree join pg_catalog.pg_class as c on c.oid = tree.inhrelid
    order by c.oid
  loop
    execute format('revoke all on table %s from public, authenticated, anonymous, app_background', child.name);
    continue when not child.has_row_security;
    execute format('alter table %s enable row level security, force row level security', child.name);
    if to_regprocedure('partitions.isolate(regclass, regclass)') is not null then
      perform partitions.isolate(target, child.name);
    end if;
  end loop;
end
$$;

comment on function tenancy.isolate_children(regclass) is
  'Takes the privileges of tenants and jobs from the children of a protected table, and gives them its row security, with its '
  'policies where schema partitions exists. protect(), append_only() and outbox.register() call it.';

revoke execute on function tenancy.isolate_children(regclass) from public;
--! EndIncluded tenancy/isolate-children.sql
--! Included tenancy/protect.sql
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
--! EndIncluded tenancy/protect.sql
--! Included tenancy/append-only.sql
-- For records of what happened. The privileges say so; the restrictive policies are for the day somebody grants more.
create or replace function tenancy.append_only(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = target and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(target::pg_catalog.text, 'NULL')),
      hint = 'Call tenancy.protect() first.';
  end if;

  execute format(
    $sql$
      revoke update, delete, truncate on table %1$s from public, authenticated, anonymous, app_background;

      drop policy if exists append_only_update on %1$s;
      create policy append_only_update on %1$s as restrictive for update to public using (current_user = 'app_pii');
      comment on policy append_only_update on %1$s is 'Nobody changes a row; what names a guest who is erased is taken out by the functions of app_pii, which nobody can be.';

      drop policy if exists append_only_delete on %1$s;
      create policy append_only_delete on %1$s as restrictive for delete to public using (false);
      comment on policy append_only_delete on %1$s is 'Nobody deletes a row.';
    $sql$,
    target
  );
  perform tenancy.isolate_children(target);
end
$$;

comment on function tenancy.append_only(regclass) is
  'Makes a protected table one that tenants and background jobs may read and add to, and no more. '
  'tenancy.protect() leaves it so.';

revoke execute on function tenancy.append_only(regclass) from public;
--! EndIncluded tenancy/append-only.sql
