-- New keys. A rotation gives each tenant another data key; with app.pii.next_key it also changes the configured key: until it
-- is finished, sessions with the old configured key and with the next one work side by side.

set role app_pii;

create or replace function pii.remember_next_key(key bytea, next_key bytea) returns void
language plpgsql volatile
as $$
declare
  wrapping constant bytea := pii.wrapping_id(next_key);
  fresh constant bytea := pii.random_bytes(16);
begin
  if next_key = key then
    raise sqlstate 'PI021' using message = 'app.pii.next_key is app.pii.key', hint = 'It has to be the key that comes; leave it unset to rotate the data keys only.';
  end if;
  perform pii.remember_key(key);
  insert into pii.configured_keys (place, salt, fingerprint)
  select 'next', fresh, pii.fingerprint(fresh, next_key)
  where not exists (select from pii.configured_keys as c where c.fingerprint = pii.fingerprint(c.salt, next_key))
    and not exists (select from pii.tenant_keys as k where k.next_wrapped_under <> wrapping)
  on conflict do nothing;
  if not exists (select from pii.configured_keys as c where c.fingerprint = pii.fingerprint(c.salt, next_key)) then
    raise sqlstate 'PI021' using
      message = 'another key comes next already',
      hint = 'Go on with the one that the change was begun with; if it is lost, pii.forget_next_key() takes the change back.';
  end if;
end
$$;
comment on function pii.remember_next_key(bytea, bytea) is 'Keeps the fingerprint of the configured key that comes. PI021 if it is another one than the change was begun with.';

-- Once nothing is wrapped under the old key any more, the next one is the only one.
create or replace function pii.settle_configured_keys(key bytea) returns void
language plpgsql volatile
as $$
begin
  if exists (select from pii.tenant_keys as k where k.state <> 'destroyed' and (k.wrapped_under <> pii.wrapping_id(key) or k.next_wrapped_under is not null)) then
    return;
  end if;
  if exists (select from pii.configured_keys as c where c.place = 'next' and c.fingerprint = pii.fingerprint(c.salt, key)) then
    delete from pii.configured_keys as c where c.place = 'current';
    update pii.configured_keys as c set place = 'current' where c.place = 'next';
  end if;
end
$$;
comment on function pii.settle_configured_keys(bytea) is 'Makes the next configured key the current one, if every live data key is wrapped under it alone.';

create or replace function pii.forget_next_key() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  wrapping constant bytea := pii.wrapping_id(pii.key_in('app.pii.key'));
  done integer;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  if exists (select from pii.tenant_keys as k where k.state <> 'destroyed' and k.wrapped_under <> wrapping) then
    raise sqlstate 'PI021' using
      message = 'app.pii.key does not open the keys of every tenant without the next one',
      hint = 'Some are wrapped under the next key alone: the change can only be finished.';
  end if;
  update pii.tenant_keys as k set next_wrapped_under = null, next_wrapped = null where k.next_wrapped_under is not null;
  get diagnostics done = row_count;
  delete from pii.configured_keys as c where c.place = 'next';
  return done;
end
$$;
comment on function pii.forget_next_key() is
  'Takes a change of the configured key back, for when the next key is lost: sessions that have it open nothing any more. How many data keys it '
  'opened. PI021 if a tenant is under it alone. Runs with the rights of app_pii; for background jobs.';

create or replace function pii.check_key() returns void
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  perform pii.refuse_other_key(pii.key_in('app.pii.key'));
end
$$;
comment on function pii.check_key() is
  'Raises PI003 unless app.pii.key is the key of this database, or the next one; changes nothing. Runs with the rights of app_pii; for background jobs.';

create or replace function pii.begin_rotation(only_tenant uuid default null) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key constant bytea := pii.key_in('app.pii.key');
  next_key constant bytea := case when coalesce(current_setting('app.pii.next_key', true), '') <> '' then pii.key_in('app.pii.next_key') end;
  k pii.tenant_keys;
  secrets bytea;
  fresh bytea;
  begun integer := 0;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  if next_key is not null then
    perform pii.remember_next_key(key, next_key);
  end if;
  -- Waits for whoever is writing under these keys.
  for k in
    select t.* from pii.tenant_keys as t
    where t.state = 'active' and t.replaces is null and (t.restaurant_id = only_tenant or only_tenant is null)
    order by t.restaurant_id
    for update
  loop
    secrets := pii.unwrap(k.restaurant_id, k.kid,
      case pii.wrapping_id(key) when k.wrapped_under then k.wrapped when k.next_wrapped_under then k.next_wrapped end, key);
    fresh := pii.random_bytes(96);
    update pii.tenant_keys as t
    set state = 'retiring', retired_at = now(),
      wrapped_under = pii.wrapping_id(key), wrapped = pii.wrap(k.restaurant_id, k.kid, secrets, key),
      next_wrapped_under = pii.wrapping_id(next_key), next_wrapped = pii.wrap(k.restaurant_id, k.kid, secrets, next_key)
    where t.restaurant_id = k.restaurant_id and t.kid = k.kid;
    insert into pii.tenant_keys (restaurant_id, kid, state, replaces, wrapped_under, wrapped, next_wrapped_under, next_wrapped)
    values (
      k.restaurant_id, k.kid + 1, 'active', k.kid,
      pii.wrapping_id(key), pii.wrap(k.restaurant_id, (k.kid + 1)::smallint, fresh, key),
      pii.wrapping_id(next_key), pii.wrap(k.restaurant_id, (k.kid + 1)::smallint, fresh, next_key)
    );
    begun := begun + 1;
  end loop;
  return begun;
end
$$;
comment on function pii.begin_rotation(uuid) is
  'Gives the tenant, or every tenant that has none under way, a new data key; app.pii.next_key, if set, will open it and the '
  'old one too. How many tenants. pii.seal_batch() then re-encrypts. Runs with the rights of app_pii; for background jobs.';

create or replace function pii.rewrap() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key constant bytea := pii.key_in('app.pii.key');
  next_key constant bytea := pii.key_in('app.pii.next_key');
  k pii.tenant_keys;
  done integer := 0;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  perform pii.remember_next_key(key, next_key);
  for k in
    select t.* from pii.tenant_keys as t
    where t.state <> 'destroyed' and t.next_wrapped_under is distinct from pii.wrapping_id(next_key) and t.wrapped_under <> pii.wrapping_id(next_key)
    order by t.restaurant_id, t.kid
    for update
  loop
    update pii.tenant_keys as t
    set next_wrapped_under = pii.wrapping_id(next_key),
      next_wrapped = pii.wrap(k.restaurant_id, k.kid, pii.unwrap(k.restaurant_id, k.kid, case pii.wrapping_id(key) when k.wrapped_under then k.wrapped end, key), next_key)
    where t.restaurant_id = k.restaurant_id and t.kid = k.kid;
    done := done + 1;
  end loop;
  return done;
end
$$;
comment on function pii.rewrap() is
  'Lets app.pii.next_key open every live data key beside app.pii.key: the configured key changes and no row is touched. '
  'pii.finish_rewrap() ends it. Runs with the rights of app_pii; for background jobs.';

create or replace function pii.finish_rewrap() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key constant bytea := pii.key_in('app.pii.key');
  wrapping constant bytea := pii.wrapping_id(key);
  done integer;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  if exists (select from pii.tenant_keys as t where t.next_wrapped_under <> wrapping or (t.state <> 'destroyed' and t.next_wrapped_under is null and t.wrapped_under <> wrapping)) then
    raise sqlstate 'PI021' using
      message = 'app.pii.key is not the key that comes next',
      hint = 'Finish with the new key configured, so that it is known to be in use; pii.rewrap() again if a tenant is new since.';
  end if;
  update pii.tenant_keys as t
  set wrapped_under = t.next_wrapped_under, wrapped = t.next_wrapped, next_wrapped_under = null, next_wrapped = null
  where t.next_wrapped_under = wrapping;
  get diagnostics done = row_count;
  perform pii.settle_configured_keys(key);
  return done;
end
$$;
comment on function pii.finish_rewrap() is
  'Forgets what the old configured key opened; the session has to have the new one. How many data keys. Runs with the rights '
  'of app_pii; for background jobs.';

create or replace function pii.rotating() returns table (tenant uuid, old_kid smallint, new_kid smallint)
language sql stable security definer
begin atomic
  select k.restaurant_id, k.replaces, k.kid from pii.tenant_keys as k
  where k.state = 'active' and k.replaces is not null and tenancy.current_job() is not null;
end;
comment on function pii.rotating() is 'The tenants whose keys are being rotated. Runs with the rights of app_pii, to show ids and no keys; for background jobs.';

create or replace function pii.keys_left_behind() returns integer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  wrapping constant bytea := pii.wrapping_id(pii.key_in('app.pii.key'));
begin
  return (
    select count(*) from pii.tenant_keys as k
    where k.state <> 'destroyed' and k.wrapped_under <> wrapping and k.next_wrapped_under is distinct from wrapping
      and tenancy.current_job() is not null
  );
end
$$;
comment on function pii.keys_left_behind() is
  'How many live data keys app.pii.key does not open. Runs with the rights of app_pii, to count and no more; for background jobs.';

create or replace function pii.lock_keys(only_tenant uuid) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from pii.tenant_keys as k where k.restaurant_id = only_tenant order by k.kid for update;
end
$$;
comment on function pii.lock_keys(uuid) is 'Waits for whoever is sealing values of the tenant, and holds up whoever comes. Runs with the rights of app_pii; for background jobs.';

create or replace function pii.destroy_replaced_key(only_tenant uuid) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key constant bytea := pii.key_in('app.pii.key');
  wrapping constant bytea := pii.wrapping_id(key);
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  if exists (
    select from pii.tenant_keys as k where k.restaurant_id = only_tenant and k.state = 'active'
      and coalesce(k.next_wrapped_under, k.wrapped_under) <> wrapping
  ) then
    raise sqlstate 'PI021' using
      message = 'app.pii.key is not the key that comes next',
      hint = 'Finish with the new key configured, so that it is known to be in use.';
  end if;
  update pii.tenant_keys as k
  set state = 'destroyed', destroyed_at = now(), wrapped_under = null, wrapped = null, next_wrapped_under = null, next_wrapped = null
  where k.restaurant_id = only_tenant and k.state = 'retiring';
  update pii.tenant_keys as k
  set replaces = null, wrapped_under = coalesce(k.next_wrapped_under, k.wrapped_under), wrapped = coalesce(k.next_wrapped, k.wrapped),
    next_wrapped_under = null, next_wrapped = null
  where k.restaurant_id = only_tenant and k.state = 'active';
  perform pii.settle_configured_keys(key);
end
$$;
comment on function pii.destroy_replaced_key(uuid) is
  'Ends a rotation for good, without looking whether anything is left under the old key: pii.finish_rotation() does. Runs with '
  'the rights of app_pii; for background jobs.';

create or replace function pii.key_status()
returns table (
  restaurant_id uuid, kid smallint, state text, replaces smallint, wrapped_under text, next_wrapped_under text,
  created_at timestamptz, retired_at timestamptz, destroyed_at timestamptz
)
language sql stable security definer
begin atomic
  select k.restaurant_id, k.kid, k.state, k.replaces, encode(k.wrapped_under, 'hex'), encode(k.next_wrapped_under, 'hex'),
    k.created_at, k.retired_at, k.destroyed_at
  from pii.tenant_keys as k
  where tenancy.current_job() is not null;
end;
comment on function pii.key_status() is 'The keys of the tenants, without the keys. Runs with the rights of app_pii; for background jobs.';

revoke execute on function
  pii.remember_next_key(bytea, bytea), pii.settle_configured_keys(bytea), pii.forget_next_key(), pii.check_key(),
  pii.begin_rotation(uuid), pii.rewrap(), pii.finish_rewrap(), pii.rotating(), pii.keys_left_behind(), pii.lock_keys(uuid), pii.destroy_replaced_key(uuid), pii.key_status()
from public;
grant execute on function
  pii.forget_next_key(), pii.check_key(), pii.begin_rotation(uuid), pii.rewrap(), pii.finish_rewrap(), pii.rotating(), pii.keys_left_behind(), pii.lock_keys(uuid), pii.destroy_replaced_key(uuid), pii.key_status()
to app_background;

reset role;

create or replace function pii.finish_rotation(only_tenant uuid default null) returns integer
language plpgsql volatile
set search_path = ''
as $$
declare
  r record;
  t record;
  remaining pg_catalog.int8;
  done pg_catalog.int4 := 0;
begin
  perform pii.require_job();
  if current_setting('transaction_isolation') <> 'read committed' then
    raise sqlstate 'PI021' using
      message = 'a rotation is finished in a transaction that is READ COMMITTED', hint = 'With an older snapshot it could miss a value under the old key.';
  end if;
  for r in select * from pii.rotating() as x where x.tenant = only_tenant or only_tenant is null order by x.tenant loop
    perform pii.lock_keys(r.tenant);
    for t in
      select pii.name_of(pii.table_of(p.relation)) as relation, p.tenant_column,
        string_agg(format('(c.%1$I is not null and pii.kid_of(c.%1$I) <> $2)', c.column_name || '_encrypted'), ' or ') as stale
      from pii.protected_tables as p join pii.protected_columns as c on c.relation = p.relation
      where pii.table_of(p.relation) is not null
      group by p.relation, p.tenant_column
    loop
      execute format('select count(*) from %s as c where c.%I = $1 and (%s)', t.relation, t.tenant_column, t.stale)
      into remaining using r.tenant, r.new_kid;
      if remaining > 0 then
        raise sqlstate 'PI021' using
          message = format('%s rows of %s are still sealed under an old key', remaining, t.relation),
          hint = 'Go on with pii.seal_batch() until nothing is left.';
      end if;
    end loop;
    perform pii.destroy_replaced_key(r.tenant);
    done := done + 1;
  end loop;
  if only_tenant is null and pii.keys_left_behind() > 0 then
    raise sqlstate 'PI021' using
      message = 'app.pii.key does not open the keys of every tenant',
      hint = 'Tenants that came during the change have the old one only: call pii.rewrap() with both keys, then finish again.';
  end if;
  return done;
end
$$;
comment on function pii.finish_rotation(uuid) is
  'Destroys the old data keys, and what the old configured key opened. PI021 while a value is sealed under an old key, or the '
  'session has not the new configured key. How many tenants. For background jobs.';
revoke execute on function pii.finish_rotation(uuid) from public;
grant execute on function pii.finish_rotation(uuid) to app_background;
