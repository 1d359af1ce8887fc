-- Each tenant has a data key of its own, random, in three parts: for encryption, for authentication, for the blind index.
-- It is stored wrapped by the configured key, app.pii.key, which the database does not have. To destroy the wrapped key is
-- to erase whatever was sealed under it, in backups that are made from then on too.

create table if not exists pii.tenant_keys (
  restaurant_id uuid not null,
  kid smallint not null check (kid > 0),
  state text not null check (state in ('active', 'retiring', 'destroyed')),
  replaces smallint,
  wrapped_under bytea,
  wrapped bytea,
  next_wrapped_under bytea,
  next_wrapped bytea,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  destroyed_at timestamptz,
  primary key (restaurant_id, kid),
  constraint tenant_keys_wrapped_while_live check (
    case state when 'destroyed' then num_nonnulls(wrapped_under, wrapped, next_wrapped_under, next_wrapped) = 0 and destroyed_at is not null
    else num_nonnulls(wrapped_under, wrapped) = 2 and num_nonnulls(next_wrapped_under, next_wrapped) in (0, 2) end
  )
);
create unique index if not exists tenant_keys_active on pii.tenant_keys (restaurant_id) where state = 'active';

comment on table pii.tenant_keys is 'The data keys of the tenants, wrapped.';
comment on column pii.tenant_keys.kid is 'Key id: it stands in every value sealed under the key. Odd and even ones use different columns for the blind index.';
comment on column pii.tenant_keys.state is 'active: values are sealed under it. retiring: another one has come, values are still opened and searched with it. destroyed: nothing opens.';
comment on column pii.tenant_keys.replaces is 'The retiring key, while there is one: until the rotation is finished the blind index of both is written.';
comment on column pii.tenant_keys.wrapped_under is 'Which configured key wraps it: the first eight bytes of a hash.';
comment on column pii.tenant_keys.next_wrapped_under is 'During a change of the configured key, the one that comes: either opens.';

-- Which configured key is the right one, so that a mistyped key is not taken for a tenant's first one. A keyed hash under the key
-- itself, over a random salt: nobody learns a key of 32 random bytes from it, nor whether two databases have the same one.
create table if not exists pii.configured_keys (
  place text primary key check (place in ('current', 'next')),
  salt bytea not null,
  fingerprint bytea not null,
  since timestamptz not null default now()
);
comment on table pii.configured_keys is 'The fingerprint of app.pii.key, and of the one that comes next while it changes. No keys.';
comment on column pii.configured_keys.place is 'current: data keys are wrapped under it. next: sessions may use it beside the current one, until the change is finished.';
comment on column pii.configured_keys.fingerprint is 'HMAC-SHA256 under the key, over the salt.';

-- No tenant, no job, nobody but the functions of app_pii. Row security says so too, for the day somebody grants more.
alter table pii.configured_keys enable row level security, force row level security;
revoke all on table pii.configured_keys from public, authenticated, anonymous, app_background, pii_reader;
grant select, insert, update, delete on table pii.configured_keys to app_pii;
drop policy if exists pii_access on pii.configured_keys;
create policy pii_access on pii.configured_keys to app_pii using (true) with check (true);
comment on policy pii_access on pii.configured_keys is 'app_pii, whom nobody can be, compares keys with it.';
drop policy if exists pii_floor on pii.configured_keys;
create policy pii_floor on pii.configured_keys as restrictive for all to public using (current_user = 'app_pii');
comment on policy pii_floor on pii.configured_keys is 'Whatever other policies say, nobody else gets past this.';
alter table pii.tenant_keys enable row level security, force row level security;
revoke all on table pii.tenant_keys from public, authenticated, anonymous, app_background, pii_reader;
grant select, insert, update on table pii.tenant_keys to app_pii;
drop policy if exists pii_access on pii.tenant_keys;
create policy pii_access on pii.tenant_keys to app_pii using (true) with check (true);
comment on policy pii_access on pii.tenant_keys is 'app_pii, whom nobody can be, looks up the key of the tenant at hand.';
drop policy if exists pii_floor on pii.tenant_keys;
create policy pii_floor on pii.tenant_keys as restrictive for all to public using (current_user = 'app_pii');
comment on policy pii_floor on pii.tenant_keys is 'Whatever other policies say, nobody else gets past this.';

set role app_pii;

create or replace function pii.key_in(setting text) returns bytea
language plpgsql stable
as $$
declare
  value constant text := current_setting(setting, true);
begin
  if coalesce(value, '') = '' then
    raise sqlstate 'PI001' using
      message = format('the setting %s is not set', setting),
      hint = 'Set it for the transaction, by bind parameter: select set_config(''' || setting || ''', $1, true).';
  end if;
  -- Checked before decode(), which would put a piece of it into its error.
  if length(value) not between 64 and 256 or length(value) % 2 = 1 or value collate "C" !~ '^[0-9A-Fa-f]+$' then
    raise sqlstate 'PI002' using
      message = format('the setting %s is not a key', setting),
      hint = 'A key is 64 to 256 hexadecimal digits, such as "openssl rand -hex 32" makes.';
  end if;
  return decode(value, 'hex');
end
$$;
comment on function pii.key_in(text) is 'The configured key in a setting. PI001: there is none. PI002: it is none.';

create or replace function pii.wrapping_id(key bytea) returns bytea
language sql immutable parallel safe
return substr(sha256('pii wrapping id'::bytea || key), 1, 8);
comment on function pii.wrapping_id(bytea) is 'Tells configured keys apart and says nothing about them, which are random.';

create or replace function pii.wrap(tenant uuid, kid smallint, secrets bytea, key bytea) returns bytea
language plpgsql volatile
as $$
declare
  header constant bytea := '\x01'::bytea || uuid_send(tenant) || int2send(kid);
  iv constant bytea := pii.random_bytes(16);
  body constant bytea := iv || pii.aes_encrypt_blocks(secrets, pii.hmac_sha256('pii wrap'::bytea || header, key), iv);
begin
  return body || pii.hmac_sha256('pii wrap mac'::bytea || header || body, key);
end
$$;
comment on function pii.wrap(uuid, smallint, bytea, bytea) is
  'A data key, 96 bytes, under a configured key: iv, AES-256-CBC, HMAC-SHA256 over tenant, key id, iv and ciphertext.';

-- A trigger runs before row security refuses the row: it must not tell in which state another tenant's keys are, nor lock or make
-- one. Anybody can name a job, so only the roles that row security lets past count. This runs with the rights of app_pii: who called
-- is in the setting that SET ROLE leaves.
create or replace function pii.assert_own(tenant uuid) returns void
language plpgsql stable
as $$
declare
  caller name;
begin
  if tenant = public.current_restaurant_id() then
    return;
  end if;
  caller := coalesce(nullif(current_setting('role'), 'none'), session_user);
  if caller = 'app_background' and tenancy.current_job() is not null
    or exists (select from pg_roles as r where r.rolname = caller and (r.rolsuper or r.rolbypassrls))
  then
    return;
  end if;
  raise insufficient_privilege using message = 'this belongs to another tenant than this transaction';
end
$$;
comment on function pii.assert_own(uuid) is
  'Refuses another tenant than the one in the context (42501), before anything is looked up. Not for a background job, nor for roles that row security does not bind.';

create or replace function pii.fingerprint(salt bytea, key bytea) returns bytea
language sql immutable parallel safe
return pii.hmac_sha256('pii fingerprint'::bytea || salt, key);
comment on function pii.fingerprint(bytea, bytea) is 'What is kept to know a configured key again.';

-- Without a fingerprint, in a database that is older than these, the data keys tell.
create or replace function pii.is_configured_key(key bytea) returns boolean
language sql stable
as $$
  select case
    when exists (select from pii.configured_keys) then
      exists (select from pii.configured_keys as c where c.fingerprint = pii.fingerprint(c.salt, key))
      or not exists (select from pii.tenant_keys as k where k.state <> 'destroyed')
    else
      not exists (select from pii.tenant_keys as k where k.state <> 'destroyed')
      or exists (select from pii.tenant_keys as k where k.state <> 'destroyed' and pii.wrapping_id(key) in (k.wrapped_under, k.next_wrapped_under))
  end
$$;
comment on function pii.is_configured_key(bytea) is 'Whether it is the key of this database, or the next one. While nothing is sealed under any, each is.';

create or replace function pii.refuse_other_key(key bytea) returns void
language plpgsql stable
as $$
begin
  if not pii.is_configured_key(key) then
    raise sqlstate 'PI003' using
      message = 'the configured key is not the key of this database',
      hint = 'app.pii.key has to be the key that its data was sealed under, or the next one during a rotation.';
  end if;
end
$$;
comment on function pii.refuse_other_key(bytea) is 'Raises PI003 for a key that is neither the current nor the next one.';

create or replace function pii.remember_key(key bytea) returns void
language plpgsql volatile
as $$
declare
  fresh constant bytea := pii.random_bytes(16);
begin
  perform pii.refuse_other_key(key);
  if exists (select from pii.configured_keys as c where c.fingerprint = pii.fingerprint(c.salt, key)) then
    return;
  end if;
  if not exists (select from pii.tenant_keys as k where k.state <> 'destroyed') then
    -- What was sealed under an earlier key is destroyed by now.
    delete from pii.configured_keys;
  elsif not exists (select from pii.tenant_keys as k where k.state <> 'destroyed' and k.wrapped_under = pii.wrapping_id(key)) then
    -- A change that began before there were fingerprints: this is the key that comes.
    return;
  end if;
  -- Of two that come at once the second waits for the first, and is then compared with it.
  insert into pii.configured_keys (place, salt, fingerprint) values ('current', fresh, pii.fingerprint(fresh, key)) on conflict do nothing;
  if not exists (select from pii.configured_keys as c where c.fingerprint = pii.fingerprint(c.salt, key)) then
    raise sqlstate 'PI003' using
      message = 'the configured key is not the key of this database',
      hint = 'Another session has sealed under another key at the same moment. Find out which is the right one.';
  end if;
end
$$;
comment on function pii.remember_key(bytea) is 'Keeps the fingerprint of the key that the first value of the database is sealed under. PI003 for any other one.';

create or replace function pii.unwrap(tenant uuid, kid smallint, wrapped bytea, key bytea) returns bytea
language plpgsql stable
as $$
declare
  header constant bytea := '\x01'::bytea || uuid_send(tenant) || int2send(kid);
begin
  if wrapped is null or octet_length(wrapped) <> 144
    or substr(wrapped, 113) <> pii.hmac_sha256('pii wrap mac'::bytea || header || substr(wrapped, 1, 112), key)
  then
    raise sqlstate 'PI003' using
      message = 'the configured key does not open the data key of this tenant',
      hint = 'app.pii.key has to be the key that the tenant''s data was sealed under, or the next one during a rotation.';
  end if;
  return pii.aes_decrypt_blocks(substr(wrapped, 17, 96), pii.hmac_sha256('pii wrap'::bytea || header, key), substr(wrapped, 1, 16));
end
$$;
comment on function pii.unwrap(uuid, smallint, bytea, bytea) is 'Undoes pii.wrap(). PI003: another configured key, or a row of pii.tenant_keys that was tampered with.';

create or replace function pii.refuse_key(tenant uuid, wanted smallint) returns void
language plpgsql stable
as $$
begin
  if exists (select from pii.tenant_keys as k where k.restaurant_id = tenant and (k.kid = wanted or wanted is null) and k.state = 'destroyed')
    and not exists (select from pii.tenant_keys as k where k.restaurant_id = tenant and (k.kid = wanted or wanted is null) and k.state <> 'destroyed')
  then
    raise sqlstate 'PI006' using
      message = 'the key has been destroyed', hint = 'What was sealed under it has been erased for good.';
  end if;
end
$$;
comment on function pii.refuse_key(uuid, smallint) is 'Raises PI006 if the key, or every key of the tenant, has been destroyed.';

create or replace function pii.create_key(tenant uuid, key bytea) returns void
language plpgsql volatile
as $$
begin
  perform pii.refuse_key(tenant, null);
  perform pii.remember_key(key);
  -- Of two that come at once the second waits for the first, and then finds its key.
  insert into pii.tenant_keys (restaurant_id, kid, state, wrapped_under, wrapped)
  values (tenant, 1, 'active', pii.wrapping_id(key), pii.wrap(tenant, 1::smallint, pii.random_bytes(96), key))
  on conflict do nothing;
end
$$;
comment on function pii.create_key(uuid, bytea) is 'The first data key of a tenant. Not for one that has had keys: PI006. Nor under another key than that of the database: PI003.';

-- The row is locked FOR SHARE until the transaction ends: a rotation waits for whoever writes under the old key, and whoever
-- comes with an old snapshot is told so (40001) instead of writing under a key that is being destroyed.
create or replace function pii.writing_keys(tenant uuid) returns bytea
language plpgsql volatile
as $$
declare
  setting constant text := current_setting('app.pii.key', true);
  key bytea;
  wrapping bytea;
  found_key bytea;
  blob bytea;
begin
  -- pii.key_in() and pii.unwrap(), written out: this runs for every row, and a call costs as much as the cryptography.
  if coalesce(length(setting), 0) not between 64 and 256 or length(setting) % 2 = 1 or setting collate "C" ~ '[^0-9A-Fa-f]' then
    perform pii.key_in('app.pii.key');
  end if;
  if tenant is distinct from public.current_restaurant_id() then
    perform pii.assert_own(tenant);
  end if;
  key := decode(setting, 'hex');
  wrapping := pii.wrapping_id(key);
  select int2send(k.kid) || int2send(coalesce(k.replaces, 0::smallint)),
    case wrapping when k.wrapped_under then k.wrapped when k.next_wrapped_under then k.next_wrapped end
  into found_key, blob
  from pii.tenant_keys as k
  where k.restaurant_id = tenant and k.state = 'active'
  for share;
  if substr(blob, 113) = pii.hmac_sha256('pii wrap mac\001'::bytea || uuid_send(tenant) || substr(found_key, 1, 2) || substr(blob, 1, 112), key) then
    return found_key || pii.aes_decrypt_blocks(
      substr(blob, 17, 96), pii.hmac_sha256('pii wrap\001'::bytea || uuid_send(tenant) || substr(found_key, 1, 2), key), substr(blob, 1, 16)
    );
  elsif found_key is not null then
    perform pii.unwrap(tenant, (get_byte(found_key, 0) * 256 + get_byte(found_key, 1))::smallint, blob, key);
  end if;
  perform pii.create_key(tenant, key);
  if not exists (select from pii.tenant_keys as k where k.restaurant_id = tenant and k.state = 'active') then
    raise sqlstate '40001' using message = 'the key of this tenant was changed at the same time', hint = 'Try again.';
  end if;
  return pii.writing_keys(tenant);
end
$$;
comment on function pii.writing_keys(uuid) is
  'What to seal with: key id and the one it replaces (or 0), two bytes each, then the three keys of 32 bytes for '
  'encryption, authentication and index. Makes a tenant''s first key. 42501 for another tenant, whatever the state of its keys.';

create or replace function pii.opening_keys(tenant uuid, wanted smallint) returns bytea
language plpgsql stable
as $$
declare
  key constant bytea := pii.key_in('app.pii.key');
  wrapping constant bytea := pii.wrapping_id(key);
  found_state text;
  blob bytea;
begin
  select k.state, case wrapping when k.wrapped_under then k.wrapped when k.next_wrapped_under then k.next_wrapped end
  into found_state, blob
  from pii.tenant_keys as k
  where k.restaurant_id = tenant and k.kid = wanted;
  if found_state is null then
    raise sqlstate 'PI004' using
      message = 'a sealed value cannot be opened', hint = 'It names a key that this tenant never had: it was changed, or belongs to another tenant.';
  end if;
  if found_state = 'destroyed' then
    perform pii.refuse_key(tenant, wanted);
  end if;
  return pii.unwrap(tenant, wanted, blob, key);
end
$$;
comment on function pii.opening_keys(uuid, smallint) is 'The three keys with an id of a tenant. PI003, PI004, PI006.';

create or replace function pii.searching_key(tenant uuid) returns bytea
language plpgsql stable
as $$
declare
  setting constant text := current_setting('app.pii.key', true);
  key bytea;
  wrapping bytea;
  found_key bytea;
  blob bytea;
begin
  -- Written out as in pii.writing_keys(). Of two live keys the retiring one is the older.
  if coalesce(length(setting), 0) not between 64 and 256 or length(setting) % 2 = 1 or setting collate "C" ~ '[^0-9A-Fa-f]' then
    perform pii.key_in('app.pii.key');
  end if;
  key := decode(setting, 'hex');
  wrapping := pii.wrapping_id(key);
  select int2send(k.kid), case wrapping when k.wrapped_under then k.wrapped when k.next_wrapped_under then k.next_wrapped end
  into found_key, blob
  from pii.tenant_keys as k
  where k.restaurant_id = tenant and k.state <> 'destroyed'
  order by k.kid
  limit 1;
  if substr(blob, 113) = pii.hmac_sha256('pii wrap mac\001'::bytea || uuid_send(tenant) || found_key || substr(blob, 1, 112), key) then
    return found_key || substr(
      pii.aes_decrypt_blocks(
        substr(blob, 17, 96), pii.hmac_sha256('pii wrap\001'::bytea || uuid_send(tenant) || found_key, key), substr(blob, 1, 16)
      ), 65, 32
    );
  elsif found_key is not null then
    perform pii.unwrap(tenant, (get_byte(found_key, 0) * 256 + get_byte(found_key, 1))::smallint, blob, key);
  end if;
  perform pii.refuse_key(tenant, null);
  return null;
end
$$;
comment on function pii.searching_key(uuid) is
  'Key id and index key that look-ups go by: the retiring one while there is one, since every row still has its index. '
  'NULL for a tenant that has nothing sealed.';

revoke execute on function
  pii.key_in(text), pii.wrapping_id(bytea), pii.assert_own(uuid), pii.fingerprint(bytea, bytea), pii.is_configured_key(bytea),
  pii.refuse_other_key(bytea), pii.remember_key(bytea), pii.wrap(uuid, smallint, bytea, bytea), pii.unwrap(uuid, smallint, bytea, bytea),
  pii.refuse_key(uuid, smallint), pii.create_key(uuid, bytea), pii.writing_keys(uuid), pii.opening_keys(uuid, smallint),
  pii.searching_key(uuid)
from public;

reset role;
