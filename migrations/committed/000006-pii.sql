--! Previous: sha1:0ff61b98ed8cb7f447bd8ae07b32bb81aa4801c4
--! Hash: sha1:9b3d450a08e08d13f7a5a3e0f6113f0bf301323c
--! Message: pii

-- Source: policies/pii/ (edit there, then harness commit --pack pii)

--! Included pii/extension.sql
-- Trusted, so that the owner of the database may create it; where the platform has it elsewhere it stays there.
create extension if not exists pgcrypto with schema extensions;
--! EndIncluded pii/extension.sql
--! Included pii/schema.sql
-- The home of PII protection. Everything that touches a key belongs to app_pii, a role that nobody logs in as and that
-- row security binds: it owns functions and views, and no table.
do $$
declare
  missing constant text := (
    select string_agg(role, ', ') from unnest(array['app_pii', 'pii_reader', 'app_background']) as role where to_regrole(role) is null
  );
begin
  if missing is not null then
    raise undefined_object using
      message = format('these roles of PII protection do not exist: %s', missing),
      hint = 'Run "harness setup" on this branch first.';
  end if;
  if pg_catalog.getdatabaseencoding() <> 'UTF8' then
    raise feature_not_supported using
      message = format('PII protection needs a database in UTF8, and this one is in %s', pg_catalog.getdatabaseencoding()),
      hint = 'Normalisation is defined on Unicode: the same address must give the same index everywhere.';
  end if;
end
$$;

create schema if not exists pii;
comment on schema pii is 'PII protection: sealed columns, the keys of the tenants, blind indexes, masks.';

-- USAGE for everybody, since views and statements of every role name functions in here. The functions are closed one by one.
revoke all on schema pii from public;
grant usage on schema pii to public;
grant create on schema pii to app_pii;
grant usage on schema tenancy to app_pii;
--! EndIncluded pii/schema.sql
--! Included pii/crypto.sql
-- pgcrypto lives in public, in `extensions` or wherever the platform put it. These functions are bound to it once, by
-- identity and not by name, and are inlined: nothing else in here knows where it is.
do $$
declare
  home constant text := (
    select quote_ident(n.nspname) from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pgcrypto'
  );
begin
  if home is null then
    raise object_not_in_prerequisite_state using
      message = 'the extension pgcrypto is not installed',
      hint = 'create extension pgcrypto with schema extensions; -- it is trusted: the owner of the database may';
  end if;
  execute format(
    $sql$
      create or replace function pii.hmac_sha256(data bytea, key bytea) returns bytea
      language sql immutable parallel safe return %1$s.hmac(data, key, 'sha256');

      create or replace function pii.aes_encrypt(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.encrypt_iv(data, key, iv, 'aes-cbc');

      create or replace function pii.aes_decrypt(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.decrypt_iv(data, key, iv, 'aes-cbc');

      create or replace function pii.aes_encrypt_blocks(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.encrypt_iv(data, key, iv, 'aes-cbc/pad:none');

      create or replace function pii.aes_decrypt_blocks(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.decrypt_iv(data, key, iv, 'aes-cbc/pad:none');

      create or replace function pii.random_bytes(count integer) returns bytea
      language sql volatile parallel safe return %1$s.gen_random_bytes(count);
    $sql$,
    home
  );
end
$$;

comment on function pii.hmac_sha256(bytea, bytea) is 'HMAC-SHA256 of pgcrypto.';
comment on function pii.aes_encrypt(bytea, bytea, bytea) is 'AES-CBC of pgcrypto, padded; a key of 32 bytes makes it AES-256. Not authenticated: see pii.authenticate().';
comment on function pii.aes_decrypt(bytea, bytea, bytea) is 'Undoes pii.aes_encrypt(). Only for what has been authenticated.';
comment on function pii.aes_encrypt_blocks(bytea, bytea, bytea) is 'AES-CBC of whole blocks, without padding: for keys.';
comment on function pii.aes_decrypt_blocks(bytea, bytea, bytea) is 'Undoes pii.aes_encrypt_blocks(). Only for what has been authenticated.';
comment on function pii.random_bytes(integer) is 'Random bytes of pgcrypto, fit for keys.';

-- Nobody outside has to call them, and the key would be an argument.
revoke execute on function
  pii.hmac_sha256(bytea, bytea), pii.aes_encrypt(bytea, bytea, bytea), pii.aes_decrypt(bytea, bytea, bytea),
  pii.aes_encrypt_blocks(bytea, bytea, bytea), pii.aes_decrypt_blocks(bytea, bytea, bytea), pii.random_bytes(integer)
from public;
grant execute on function
  pii.hmac_sha256(bytea, bytea), pii.aes_encrypt(bytea, bytea, bytea), pii.aes_decrypt(bytea, bytea, bytea),
  pii.aes_encrypt_blocks(bytea, bytea, bytea), pii.aes_decrypt_blocks(bytea, bytea, bytea), pii.random_bytes(integer)
to app_pii;
--! EndIncluded pii/crypto.sql
--! Included pii/normalise.sql
-- One form for what is the same address or number, so that one blind index finds it. Folding never fails; what comes out
-- of it is asked whether it is one. Both are SQL expressions that the planner inlines: they run for every row.

create or replace function pii.fold_email(value text) returns text
language sql immutable parallel safe
return lower(
  btrim(
    case when octet_length(value) = length(value) or octet_length(value) > 1000 then value else normalize(value, nfkc) end,
    E' \t\r\n'
  ) collate "C"
);
comment on function pii.fold_email(text) is
  'The e-mail address in one form: NFKC, without blanks around it, ASCII letters in lower case and no others, dots and '
  '+tags kept. Whether it is an address: pii.is_email().';

create or replace function pii.is_email(folded text) returns boolean
language sql immutable parallel safe
return octet_length(folded) <= 254
  and folded collate "C" ~ '^[^]\s@"(),:;<>[\\\x01-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]+@[^\x01-\x2c\x2f\x3a-\x60\x7b-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]+$'
  and strpos(folded, '@') <= 65
  and split_part(folded, '@', 2) collate "C" ~ '^[^.-].*\.[^.-]+[^.-]$'
  and strpos(folded, '..') = 0;
comment on function pii.is_email(text) is
  'Whether what pii.fold_email() gave is an address: at most 254 bytes and 64 characters before the @, a domain with a '
  'dot in it, nothing invisible, no quotes. Letters of any script are letters: a Cyrillic look-alike is another address.';

create or replace function pii.fold_phone(value text) returns text
language sql immutable parallel safe
return regexp_replace(
  translate(
    replace(
      case when octet_length(value) = length(value) or octet_length(value) > 1000 then value else normalize(value, nfkc) end,
      '(0)', ''
    ),
    E' \t\r\n.-/()\u2010\u2011\u2012\u2013\u2212', ''
  ),
  '^00', '+'
);
comment on function pii.fold_phone(text) is
  'The phone number in one form: blanks, dots, hyphens, slashes, parentheses and (0) gone, 00 made a +. Whether it is E.164: '
  'pii.is_phone(). A number without a country stays without: see pii.complete_phone().';

create or replace function pii.is_phone(folded text) returns boolean
language sql immutable parallel safe
return length(folded) between 8 and 16 and folded collate "C" ~ '^\+[1-9][0-9]+$';
comment on function pii.is_phone(text) is 'Whether what pii.fold_phone() gave is E.164: a +, no leading 0, 7 to 15 digits.';

create or replace function pii.complete_phone(value text, country_code text) returns text
language sql immutable parallel safe
return case
  when country_code is null or value is null or pii.fold_phone(value) !~ '^[0-9]' then value
  -- In Italy, San Marino and the Vatican the 0 belongs to the number.
  when country_code in ('39', '378', '379') then '+' || country_code || ' ' || btrim(value, E' \t\r\n')
  else '+' || country_code || ' ' || regexp_replace(btrim(value, E' \t\r\n'), '^(\(?)0', '\1')
end;
comment on function pii.complete_phone(text, text) is
  'The number with the calling code of a country before it, if it has none: one leading 0 goes, except where it is part '
  'of the number (39, 378, 379). Without a country it stays as it is, and is refused if it is national.';

grant execute on function
  pii.fold_email(text), pii.is_email(text), pii.fold_phone(text), pii.is_phone(text), pii.complete_phone(text, text)
to public;
--! EndIncluded pii/normalise.sql
--! Included pii/mask.sql
-- What may be shown to everybody who may see the row. They are stored: a masked read needs no key.

create or replace function pii.mask_email(folded text) returns text
language sql immutable parallel safe
return left(folded, 1) || '***@' || left(split_part(folded, '@', 2), 1) || '***.' || reverse(split_part(reverse(folded), '.', 1));
comment on function pii.mask_email(text) is 'a***@g***.example: the first letters and the last label, and never how long the rest is.';

create or replace function pii.mask_phone(folded text) returns text
language sql immutable parallel safe
return '+***' || right(folded, 2);
comment on function pii.mask_phone(text) is '+***03: the last two digits.';

create or replace function pii.mask_name(value text) returns text
language sql immutable parallel safe
return regexp_replace(btrim(value), '(\S)\S*', '\1***', 'g');
comment on function pii.mask_name(text) is 'A*** M***: the first letter of each word.';

grant execute on function pii.mask_email(text), pii.mask_phone(text), pii.mask_name(text) to public;
--! EndIncluded pii/mask.sql
--! Included pii/keys.sql
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
--! EndIncluded pii/keys.sql
--! Included pii/envelope.sql
-- A sealed value: version (1 byte), key id (2), iv (16), AES-256-CBC ciphertext (16 n), HMAC-SHA256 truncated to 16 bytes
-- over all of that and the place the value belongs to. Encrypt, then authenticate; nothing is decrypted that is not authentic.

set role app_pii;

-- Each part comes with its length, and the whole ends with its own, so that it can be read from behind in one way only.
create or replace function pii.place(tenant uuid, column_name text, row_id uuid) returns bytea
language sql stable parallel safe
return int2send(16::smallint) || uuid_send(tenant)
  || int2send(octet_length(column_name)::smallint) || convert_to(column_name, 'UTF8')
  || int2send(16::smallint) || uuid_send(row_id)
  || int2send((octet_length(column_name) + 38)::smallint);
comment on function pii.place(uuid, text, uuid) is 'The context that a value is authenticated with: tenant, schema.table.column, row.';

create or replace function pii.authenticate(body bytea, place bytea, key bytea) returns bytea
language sql immutable parallel safe
return substr(pii.hmac_sha256(body || place, key), 1, 16);
comment on function pii.authenticate(bytea, bytea, bytea) is 'The last 16 bytes of a sealed value.';

create or replace function pii.kid_of(sealed bytea) returns smallint
language sql immutable parallel safe
return case when octet_length(sealed) > 2 and get_byte(sealed, 1) < 128 then get_byte(sealed, 1) * 256 + get_byte(sealed, 2) else 0 end::smallint;
comment on function pii.kid_of(bytea) is 'The key id in a sealed value; 0 if it has not the form of one.';

create or replace function pii.open_value(tenant uuid, column_name text, row_id uuid, sealed bytea) returns text
language plpgsql stable
as $$
declare
  size constant integer := octet_length(sealed);
  secrets bytea;
begin
  if sealed is null then
    return null;
  end if;
  if size < 51 or (size - 35) % 16 <> 0 or get_byte(sealed, 0) <> 1 or get_byte(sealed, 1) > 127 then
    raise sqlstate 'PI005' using
      message = 'a sealed value has not the form of one', column = column_name,
      hint = 'It was cut short or changed, or a newer version of these functions sealed it.';
  end if;
  secrets := pii.opening_keys(tenant, pii.kid_of(sealed));
  -- Not in constant time, and it need not be: what is compared is the HMAC of a message under a key that the session does not
  -- have, so equal leading bytes tell how close a guess of 128 bits came, over a path that is a million times as long.
  if substr(sealed, size - 15) <> pii.authenticate(substr(sealed, 1, size - 16), pii.place(tenant, column_name, row_id), substr(secrets, 33, 32)) then
    raise sqlstate 'PI004' using
      message = 'a sealed value cannot be opened', column = column_name,
      hint = 'It was changed, or it was sealed for another row, column or tenant.';
  end if;
  return convert_from(pii.aes_decrypt(substr(sealed, 20, size - 35), substr(secrets, 1, 32), substr(sealed, 4, 16)), 'UTF8');
end
$$;
comment on function pii.open_value(uuid, text, uuid, bytea) is 'The value, after its authentication. PI004, PI005 and what the keys raise; never anything else than what was sealed.';

-- SECURITY DEFINER because it reads keys. Whoever may call it opens values of the tenant in the context and of no other.
create or replace function pii.open(tenant uuid, column_name text, row_id uuid, sealed bytea) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if sealed is null then
    return null;
  end if;
  if tenant is distinct from public.current_restaurant_id() then
    raise insufficient_privilege using
      message = 'a sealed value belongs to another tenant than this transaction',
      hint = 'Call set_restaurant_context() with the tenant whose value it is.';
  end if;
  return pii.open_value(tenant, column_name, row_id, sealed);
end
$$;
comment on function pii.open(uuid, text, uuid, bytea) is
  'Opens a sealed value of the tenant in the context: tenant, schema.table.column, row id, value. Runs with the rights of '
  'app_pii, which alone reads keys; for pii_reader and background jobs.';

revoke execute on function
  pii.place(uuid, text, uuid), pii.authenticate(bytea, bytea, bytea), pii.open_value(uuid, text, uuid, bytea),
  pii.open(uuid, text, uuid, bytea)
from public;
grant execute on function pii.open(uuid, text, uuid, bytea) to pii_reader, app_background;
grant execute on function pii.kid_of(bytea) to app_background, pii_reader;

-- Sixteen bytes, so that two values with the same index do not occur and a unique index on it means what it says.
create or replace function pii.blind_index(tenant uuid, column_name text, folded text, key bytea) returns bytea
language sql stable parallel safe
return substr(
  pii.hmac_sha256(
    uuid_send(tenant) || int2send(octet_length(column_name)::smallint) || convert_to(column_name, 'UTF8') || convert_to(folded, 'UTF8'), key
  ), 1, 16
);
comment on function pii.blind_index(uuid, text, text, bytea) is
  'The first 16 bytes of HMAC-SHA256 over tenant, schema.table.column and the folded value: equal for equal values of a '
  'tenant in a column, and without the key nothing else.';
revoke execute on function pii.blind_index(uuid, text, text, bytea) from public;

reset role;
--! EndIncluded pii/envelope.sql
--! Included pii/registry.sql
-- Which columns are protected, and how far the roll-out of each table has come.

create table if not exists pii.protected_tables (
  relation text primary key,
  tenant_column name not null,
  id_column name not null,
  phase text not null default 'expand' check (phase in ('expand', 'backfilled', 'verified', 'switched', 'retiring', 'retired')),
  since timestamptz not null default now()
);
comment on table pii.protected_tables is 'The tables with protected columns.';
comment on column pii.protected_tables.relation is 'schema.table. Part of what values are authenticated with: a table that is renamed keeps its name here, and pii.table_of() finds it.';
comment on column pii.protected_tables.phase is
  'expand: every write is sealed too. backfilled: nothing is unsealed. verified: every value opens and is what stands in clear. '
  'switched: tenants read the views only. retiring: new plaintext is not stored. retired: there is none.';
comment on column pii.protected_tables.since is 'When it came into the phase.';

create table if not exists pii.protected_columns (
  relation text not null references pii.protected_tables (relation),
  column_name name not null,
  kind text not null check (kind in ('email', 'phone', 'name', 'text')),
  plain_columns name[] not null default '{}',
  primary key (relation, column_name)
);
comment on table pii.protected_columns is
  'The protected columns. Beside column x stand x_encrypted, x_masked and, for an e-mail or phone, x_search and x_search_alt.';
comment on column pii.protected_columns.kind is 'email and phone are normalised and found by a blind index; name and text are sealed and masked only.';
comment on column pii.protected_columns.plain_columns is 'What is derived from the plaintext and goes with it: dropped when the table is retired.';

revoke all on table pii.protected_tables, pii.protected_columns from public, authenticated, anonymous, pii_reader;
grant select on table pii.protected_tables, pii.protected_columns to app_pii, app_background;

create or replace function pii.name_of(relation regclass) returns text
language sql stable
set search_path = ''
as $$
  select format('%I.%I', n.nspname, c.relname)
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = relation
$$;
comment on function pii.name_of(regclass) is 'schema.table, whatever the search_path is.';

-- By the trigger first: it goes with a table that is renamed or moved, whereas its old name may be another table's by now.
create or replace function pii.table_of(relation text) returns regclass
language sql stable
set search_path = ''
as $$
  select coalesce(
    (select t.tgrelid from pg_catalog.pg_trigger as t
     where t.tgname = 'pii_1_seal' and t.tgfoid = to_regprocedure(format('pii.%I()', 'seal ' || table_of.relation))
     order by t.tgrelid = to_regclass(table_of.relation) desc limit 1),
    case when exists (select from pg_catalog.pg_attribute as a
      join pii.protected_columns as c on c.relation = table_of.relation and a.attname = c.column_name || '_encrypted'
      where a.attrelid = to_regclass(table_of.relation) and not a.attisdropped)
      then to_regclass(table_of.relation) end
  )::pg_catalog.regclass
$$;
comment on function pii.table_of(text) is 'The table that is registered as schema.table, whatever it is called by now; NULL if it is gone.';

create or replace function pii.registered(relation regclass) returns pii.protected_tables
language plpgsql stable
set search_path = ''
as $$
declare
  found_table pii.protected_tables;
begin
  select * into found_table from pii.protected_tables as t where pii.table_of(t.relation) = registered.relation;
  if found_table.relation is null then
    raise undefined_object using
      message = format('%s has no protected columns', coalesce(relation::pg_catalog.text, 'NULL')), hint = 'See pii.protect().';
  end if;
  return found_table;
end
$$;
comment on function pii.registered(regclass) is 'What is registered of a protected table, under the name that its values are sealed for; an error if it is none.';

create or replace function pii.forget(relation text) returns void
language plpgsql
set search_path = ''
as $$
begin
  if pii.table_of(forget.relation) is not null then
    raise object_not_in_prerequisite_state using
      message = format('%s is there, with sealed values', pii.table_of(forget.relation)),
      hint = 'Only a table that is gone can be forgotten.';
  end if;
  delete from pii.guest_columns as g where g.relation = forget.relation;
  delete from pii.protected_columns as c where c.relation = forget.relation;
  delete from pii.protected_tables as t where t.relation = forget.relation;
  if not found then
    raise undefined_object using message = format('%s is not registered', coalesce(forget.relation, 'NULL'));
  end if;
end
$$;
comment on function pii.forget(text) is 'Takes a protected table that was dropped out of the registry. Its function stays, unused, since it is app_pii''s.';

create or replace function pii.phase(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select (pii.registered(relation)).phase $$;
comment on function pii.phase(regclass) is 'How far the roll-out of the table has come: see pii.protected_tables.phase.';

revoke execute on function pii.name_of(regclass), pii.table_of(text), pii.registered(regclass), pii.forget(text), pii.phase(regclass) from public;
grant execute on function pii.name_of(regclass), pii.table_of(text), pii.registered(regclass), pii.phase(regclass) to app_pii, app_background;
--! EndIncluded pii/registry.sql
--! Included pii/triggers.sql
-- The trigger function of a table is written for its columns: a general one, which would have to look columns up in every
-- row, is several times slower. Its text is in the catalogue, and pii.trigger_source() is all that writes it.

create or replace function pii.trigger_source(relation regclass) returns text
language plpgsql stable
set search_path = ''
as $function$
declare
  target constant pii.protected_tables := pii.registered(relation);
  keeps constant pg_catalog.bool := target.phase in ('expand', 'backfilled', 'verified', 'switched');
  fields constant pg_catalog.int4 := (select count(*) from pii.protected_columns as c where c.relation = target.relation);
  seals pg_catalog.text := '';
  inserts pg_catalog.text := '';
  reseals pg_catalog.text := '';
  updates pg_catalog.text := '';
  flags pg_catalog.text := '';
  any_seal pg_catalog.text := '';
  clear pg_catalog.text;
  restore pg_catalog.text;
  seal pg_catalog.text;
  f record;
  n pg_catalog.int4 := 0;
begin
  for f in
    select
      c.column_name as plain, c.kind, c.kind in ('email', 'phone') as searchable,
      target.relation || '.' || quote_ident(c.column_name) as place,
      format('new.%I', c.column_name) as val, format('old.%I', c.column_name) as was,
      format('new.%I', c.column_name || '_encrypted') as sealed, format('old.%I', c.column_name || '_encrypted') as sealed_was,
      format('new.%I', c.column_name || '_masked') as masked, format('old.%I', c.column_name || '_masked') as masked_was,
      format('new.%I', c.column_name || '_search') as search, format('old.%I', c.column_name || '_search') as search_was,
      format('new.%I', c.column_name || '_search_alt') as alt, format('old.%I', c.column_name || '_search_alt') as alt_was
    from pii.protected_columns as c
    where c.relation = target.relation
    order by c.column_name
  loop
    clear := format('%s := null; %s := null;', f.sealed, f.masked)
      || case when f.searchable then format(' %s := null; %s := null;', f.search, f.alt) else '' end;
    restore := format('%s := %s; %s := %s;', f.sealed, f.sealed_was, f.masked, f.masked_was)
      || case when f.searchable then format(' %s := %s; %s := %s;', f.search, f.search_was, f.alt, f.alt_was) else '' end;

    seal := case f.kind
      when 'email' then format(
        $sql$
      folded := pii.fold_email(value);
      if not pii.is_email(folded) then
        if not %2$s then
          raise sqlstate 'PI010' using message = 'not an e-mail address', column = %1$L, table = tg_table_name, schema = tg_table_schema,
            hint = 'It takes the form local@domain.tld, at most 254 bytes, without blanks, quotes or invisible characters.';
        end if;
        folded := null;
      end if;$sql$, f.plain, 'keep_' || n)
      when 'phone' then format(
        $sql$
      folded := pii.fold_phone(value);
      if not pii.is_phone(folded) then
        if not %2$s then
          raise sqlstate 'PI011' using message = 'not a phone number', column = %1$L, table = tg_table_name, schema = tg_table_schema,
            hint = 'It takes the form +39 010 5550101, 7 to 15 digits; without the country it needs one that is set as the default.';
        end if;
        folded := null;
      end if;$sql$, f.plain, 'keep_' || n)
      else ''
    end || case when f.searchable then '' else format(
      $sql$
      if octet_length(value) > 8000 then
        raise sqlstate 'PI012' using message = 'the value is too long to be sealed', column = %1$L, table = tg_table_name, schema = tg_table_schema,
          hint = 'A sealed value has at most 8000 bytes.';
      end if;$sql$, f.plain)
    end || format(
      $sql$
      body := header || substr(ivs, %1$s, 16) || pii.aes_encrypt(convert_to(value, 'UTF8'), encryption_key, substr(ivs, %1$s, 16));
      %2$s := body || pii.authenticate(body, tenant_part || %3$L::bytea || row_part || %4$L::bytea, authentication_key);
      %5$s := %6$s;$sql$,
      1 + 16 * n, f.sealed,
      (int2send(octet_length(f.place)::pg_catalog.int2) || convert_to(f.place, 'UTF8') || int2send(16::pg_catalog.int2))::pg_catalog.text,
      int2send((octet_length(f.place) + 38)::pg_catalog.int2)::pg_catalog.text,
      f.masked,
      case f.kind
        when 'email' then $sql$coalesce(pii.mask_email(folded), '***')$sql$
        when 'phone' then $sql$coalesce(pii.mask_phone(folded), '***')$sql$
        when 'name' then 'pii.mask_name(value)'
        else $sql$'***'$sql$
      end
    ) || case when f.searchable then format(
      $sql$
      %3$s := case when odd_key is not null then pii.blind_index(new.%1$I, %2$L, folded, odd_key) end;
      %4$s := case when even_key is not null then pii.blind_index(new.%1$I, %2$L, folded, even_key) end;$sql$,
      target.tenant_column, f.place, f.search, f.alt)
      else ''
    end;

    seals := seals || format(
      $sql$
    if seal_%1$s then
      if open_%1$s then
        value := pii.open_value(new.%2$I, %3$L, new.%4$I, %5$s);
      else
        value := %6$s;
      end if;%7$s
    end if;$sql$, n, target.tenant_column, f.place, target.id_column, f.sealed, f.val, seal);
    flags := flags || format(E'\n  seal_%1$s boolean := false;\n  open_%1$s boolean := false;\n  keep_%1$s boolean := false;', n);

    -- A sealed value that comes without its plaintext is one that is loaded again. It is opened, so that one of another row is refused,
    -- and what goes with it is made anew: a mask or an index that was given is never believed.
    inserts := inserts || format(
      $sql$
    if %2$s is not null then
      if btrim(%2$s) = '' then
        %2$s := null;
      else
        seal_%3$s := true;
      end if;
    end if;
    if %5$s is not null and not seal_%3$s then
      seal_%3$s := true;
      open_%3$s := true;
      keep_%3$s := true;
    elsif %1$s > 0 then
      %4$s
    end if;$sql$, format('num_nonnulls(%s)', concat_ws(', ', f.sealed, f.masked, case when f.searchable then f.search || ', ' || f.alt end)), f.val, n, clear, f.sealed);

    reseals := reseals || format(
      $sql$
    %1$s
    if %2$s is not null then
      keys := coalesce(keys, pii.writing_keys(new.%3$I));
      if substr(%2$s, 2, 2) <> substr(keys, 1, 2) then
        seal_%4$s := true;
        open_%4$s := true;
        keep_%4$s := true;
      end if;
    elsif btrim(%5$s) = '' then
      %5$s := null;
    elsif %5$s is not null then
      seal_%4$s := true;
      keep_%4$s := true;
    end if;$sql$, restore, f.sealed, target.tenant_column, n, f.val);

    updates := updates || format(
      $sql$
    when %1$L then
      if coalesce(btrim(%2$s), '') = '' then
        %2$s := null;
        %3$s
      elsif %2$s is distinct from %4$s or %5$s is null then
        seal_%6$s := true;
        keep_%6$s := %2$s is not distinct from %4$s;
      end if;$sql$, f.plain, f.val, clear, f.was, f.sealed, n);
    any_seal := any_seal || case when n = 0 then '' else ' or ' end || 'seal_' || n;
    n := n + 1;
  end loop;

  return format(
    $source$
declare
  -- Of each column: whether to seal it, whether to take its value from what is sealed, and whether to keep the value as it is,
  -- normal or not, because the table has it already.%10$s
  keys bytea;
  header bytea;
  encryption_key bytea;
  authentication_key bytea;
  odd_key bytea;
  even_key bytea;
  other_key bytea;
  ivs bytea;
  body bytea;
  tenant_part bytea;
  row_part bytea;
  value text;
  folded text;
begin
  if tg_op = 'INSERT' then%1$s
  else
    case tg_argv[0]
    when '*' then%2$s%3$s%9$s
    end case;
  end if;

  if %11$s then
    keys := coalesce(keys, pii.writing_keys(new.%4$I));
    header := '\x01'::bytea || substr(keys, 1, 2);
    encryption_key := substr(keys, 5, 32);
    authentication_key := substr(keys, 37, 32);
    if get_byte(keys, 1) %% 2 = 1 then
      odd_key := substr(keys, 69, 32);
    else
      even_key := substr(keys, 69, 32);
    end if;
    if substr(keys, 3, 2) <> '\x0000' then
      other_key := substr(pii.opening_keys(new.%4$I, (get_byte(keys, 2) * 256 + get_byte(keys, 3))::smallint), 65, 32);
      odd_key := coalesce(odd_key, other_key);
      even_key := coalesce(even_key, other_key);
    end if;
    ivs := pii.random_bytes(%6$s);
    tenant_part := int2send(16::smallint) || uuid_send(new.%4$I);
    row_part := uuid_send(new.%5$I);%7$s
  end if;%8$s
  return new;
end
$source$,
    inserts, reseals, updates, target.tenant_column, target.id_column, 16 * fields, seals,
    case when not keeps then (
      select E'\n  -- The plaintext is not stored. An UPDATE leaves that to the last trigger.\n  if tg_op = ''INSERT'' then\n'
        || string_agg(format('    new.%I := null;', c.column_name), E'\n' order by c.column_name) || E'\n  end if;'
      from pii.protected_columns as c where c.relation = target.relation
    ) else '' end,
    case when not keeps then (
      select E'\n    when ''-'' then\n' || string_agg(format('      new.%I := null;', c.column_name), E'\n' order by c.column_name)
      from pii.protected_columns as c where c.relation = target.relation
    ) else '' end,
    flags, any_seal
  );
end
$function$;
comment on function pii.trigger_source(regclass) is 'The body of the function that seals the rows of a table, for its columns and its phase.';

create or replace function pii.trigger_name(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select format('pii.%I', 'seal ' || (pii.registered(relation)).relation) $$;
comment on function pii.trigger_name(regclass) is 'The function that seals the rows of a table.';

create or replace function pii.build_trigger(relation regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  keeps constant pg_catalog.bool := target.phase in ('expand', 'backfilled', 'verified', 'switched');
  table_name constant pg_catalog.text := pii.name_of(relation);
  function_name constant pg_catalog.text := pii.trigger_name(relation);
  source constant pg_catalog.text := pii.trigger_source(relation);
  who constant pg_catalog.text := current_setting('role');
  me constant pg_catalog.name := current_user;
  derived pg_catalog.text;
  plain pg_catalog.text;
  sealed pg_catalog.text;
  columns pg_catalog.text[];
  x pg_catalog.text;
begin
  select
    string_agg(
      concat_ws(', ', format('%I, %I', c.column_name || '_encrypted', c.column_name || '_masked'),
        case when c.kind in ('email', 'phone') then format('%I, %I', c.column_name || '_search', c.column_name || '_search_alt') end), ', '),
    string_agg(format('new.%I is not null', c.column_name), ' or '),
    string_agg(format('old.%I is not null', c.column_name || '_encrypted'), ' or '),
    array_agg(c.column_name::pg_catalog.text order by c.column_name)
  into derived, plain, sealed, columns
  from pii.protected_columns as c
  where c.relation = target.relation;

  perform set_config('role', 'app_pii', true);
  -- pg_dump and pg_restore switch row security off, which for a role that it binds is an error.
  execute format(
    'create or replace function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as %L',
    function_name, source);
  execute format('comment on function %s() is %L', function_name,
    format('Seals the protected columns of %s. Runs with the rights of app_pii, which alone reads keys. Made by pii.build_trigger().', target.relation));
  execute format('revoke execute on function %s() from public', function_name);
  -- Whoever makes a trigger has to be allowed to execute its function; nobody needs to be when it fires.
  execute format('grant execute on function %s() to %I', function_name, me);
  perform set_config('role', who, true);

  -- In the order of their names: derived columns are put right first, then what was assigned is sealed, then plaintext goes.
  execute format('drop trigger if exists pii_1_seal on %s', table_name);
  execute format('create trigger pii_1_seal before insert on %s for each row execute function %s()', table_name, function_name);
  execute format('drop trigger if exists pii_1_reseal on %s', table_name);
  execute format('create trigger pii_1_reseal before update of %s on %s for each row execute function %s(''*'')', derived, table_name, function_name);
  foreach x in array columns loop
    execute format('drop trigger if exists %I on %s', 'pii_2_seal_' || x, table_name);
    execute format('create trigger %I before update of %I on %s for each row execute function %s(%L)', 'pii_2_seal_' || x, x, table_name, function_name, x);
  end loop;
  execute format('drop trigger if exists pii_3_keep_identity on %s', table_name);
  execute format(
    'create trigger pii_3_keep_identity before update of %1$I, %2$I on %3$s for each row
       when ((%4$s) and (old.%1$I <> new.%1$I or old.%2$I <> new.%2$I)) execute function pii.keep_identity()',
    target.tenant_column, target.id_column, table_name, sealed);
  execute format('drop trigger if exists pii_4_drop_plaintext on %s', table_name);
  if not keeps then
    execute format(
      'create trigger pii_4_drop_plaintext before update on %s for each row when (%s) execute function %s(''-'')',
      table_name, plain, function_name);
  end if;
end
$$;
comment on function pii.build_trigger(regclass) is 'Makes the function that seals the rows of a table, owned by app_pii, and its triggers.';

create or replace function pii.keep_identity() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise sqlstate 'PI007' using
    message = 'tenant and id of a row with sealed values cannot change',
    hint = 'They are sealed for this row. Insert a new one with the values.', table = tg_table_name, schema = tg_table_schema;
end
$$;
comment on function pii.keep_identity() is 'Refuses to move a row that has sealed values: they would not open any more.';

revoke execute on function
  pii.trigger_source(regclass), pii.trigger_name(regclass), pii.build_trigger(regclass), pii.keep_identity()
from public;
--! EndIncluded pii/triggers.sql
--! Included pii/protect.sql
-- Puts columns of a table under protection: the derived columns, what app_pii may do, and the triggers. May be repeated.
-- The indexes come by themselves, pii.index_statements(), since a table in use wants them CONCURRENTLY.
create or replace function pii.protect(relation regclass, tenant_column name, id_column name, columns jsonb) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pg_catalog.text := pii.name_of(relation);
  -- A table that was renamed keeps the name that its values are sealed for.
  registered_as constant pg_catalog.text := coalesce((select t.relation from pii.protected_tables as t where pii.table_of(t.relation) = protect.relation), target);
  f record;
begin
  perform pii.assert_sealable(relation, tenant_column, id_column, columns);
  if pii.table_of(registered_as) <> relation then
    raise duplicate_table using
      message = format('%s is the name that the values of %s are sealed for', target, pii.table_of(registered_as)),
      hint = 'Give the new table another name, or the old one its own again.';
  end if;
  insert into pii.protected_tables as t (relation, tenant_column, id_column)
  values (registered_as, tenant_column, id_column)
  on conflict on constraint protected_tables_pkey do nothing;

  for f in
    select c.key as plain, c.value ->> 'kind' as kind,
      array(select jsonb_array_elements_text(coalesce(c.value -> 'derived', '[]')))::pg_catalog.name[] as derived
    from jsonb_each(columns) as c
  loop
    insert into pii.protected_columns as p (relation, column_name, kind, plain_columns)
    values (registered_as, f.plain, f.kind, f.derived)
    on conflict on constraint protected_columns_pkey do update set kind = excluded.kind, plain_columns = excluded.plain_columns;
    execute format(
      'alter table %1$s add column if not exists %2$I bytea, add column if not exists %3$I text',
      target, f.plain || '_encrypted', f.plain || '_masked');
    execute format('comment on column %s.%I is %L', target, f.plain || '_encrypted', 'Sealed: see docs/pii.md. Written by a trigger.');
    execute format('comment on column %s.%I is %L', target, f.plain || '_masked', 'What may be shown without a key. Written by a trigger.');
    execute format('grant select (%I, %I) on %s to app_pii', f.plain || '_encrypted', f.plain || '_masked', target);
    if f.kind in ('email', 'phone') then
      execute format(
        'alter table %1$s add column if not exists %2$I bytea, add column if not exists %3$I bytea',
        target, f.plain || '_search', f.plain || '_search_alt');
      execute format('comment on column %s.%I is %L', target, f.plain || '_search', 'Blind index under a key with an odd id. Written by a trigger.');
      execute format('comment on column %s.%I is %L', target, f.plain || '_search_alt', 'Blind index under a key with an even id: during a rotation both are there.');
      execute format('grant select (%I, %I) on %s to app_pii', f.plain || '_search', f.plain || '_search_alt', target);
    end if;
  end loop;

  execute format('grant select (%I, %I) on %s to app_pii', tenant_column, id_column, target);
  execute format('drop policy if exists pii_access on %s', target);
  execute format(
    'create policy pii_access on %s for select to app_pii using (%I = (select public.current_restaurant_id()))',
    target, tenant_column);
  execute format('comment on policy pii_access on %s is %L', target,
    'What the views and look-ups of app_pii reach: the rows of the tenant in the context. No OR, which would keep them off the index.');
  perform pii.build_trigger(relation);
end
$$;
comment on function pii.protect(regclass, name, name, jsonb) is
  'Protects columns of a table that tenancy.protect() isolates, which begins its roll-out in phase expand. Columns: '
  '{"email": {"kind": "email", "derived": ["email_normalized"]}}; kinds: email, phone, name, text; derived: columns with '
  'plaintext that go when the table is retired.';

create or replace function pii.assert_sealable(relation regclass, tenant_column name, id_column name, columns jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  wrong pg_catalog.text;
begin
  if relation is null or tenant_column is null or id_column is null or jsonb_typeof(columns) is distinct from 'object' then
    raise null_value_not_allowed using message = 'pii.protect() needs a table, its tenant column, its id column and the columns to protect';
  end if;
  if not exists (select from pg_catalog.pg_policy where polrelid = relation and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', relation), hint = 'Call tenancy.protect() first.';
  end if;
  if octet_length(pii.name_of(relation)) > 58 then
    raise name_too_long using message = format('the name of %s is longer than 58 bytes', relation), hint = 'The function that seals its rows is named after it.';
  end if;
  if (select relkind from pg_catalog.pg_class where oid = relation) <> 'r' then
    raise wrong_object_type using
      message = format('%s is no ordinary table', relation), hint = 'Partitioned tables are not supported.';
  end if;
  select string_agg(k.name, ', ') into wrong
  from unnest(array[tenant_column, id_column]) as k (name)
  where not exists (
    select from pg_catalog.pg_attribute
    where attrelid = relation and attname = k.name and not attisdropped and attnotnull and atttypid = 'pg_catalog.uuid'::pg_catalog.regtype
  );
  if wrong is not null then
    raise datatype_mismatch using message = format('of %s these have to be columns of type uuid and NOT NULL: %s', relation, wrong);
  end if;
  select string_agg(c.key, ', ') into wrong
  from jsonb_each(columns) as c
  where coalesce(c.value ->> 'kind', '') not in ('email', 'phone', 'name', 'text') or octet_length(c.key) > 52
    or not exists (
      select from pg_catalog.pg_attribute
      where attrelid = relation and attname = c.key and not attisdropped
        and atttypid in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
    );
  if wrong is not null then
    raise datatype_mismatch using
      message = format('of %s these cannot be protected: %s', relation, wrong),
      hint = 'A column of type text, its name no longer than 52 bytes, as {"kind": "email" | "phone" | "name" | "text"}.';
  end if;
end
$$;
comment on function pii.assert_sealable(regclass, name, name, jsonb) is 'Raises an error if pii.protect() could not protect these columns.';

create or replace function pii.index_statements(relation regclass) returns setof text
language sql stable
set search_path = ''
as $$
  select format('create %sindex concurrently if not exists %I on %s (%I, %I) where %I is not null',
    case when c.kind = 'email' then 'unique ' else '' end,
    replace(split_part(t.relation, '.', 2), '"', '') || '_' || c.column_name || s.suffix || '_idx',
    pii.name_of(index_statements.relation), t.tenant_column, c.column_name || s.suffix, c.column_name || s.suffix)
  from pii.registered(index_statements.relation) as t
  join pii.protected_columns as c on c.relation = t.relation and c.kind in ('email', 'phone')
  cross join unnest(array['_search', '_search_alt']) as s (suffix)
  order by c.column_name, s.suffix
$$;
comment on function pii.index_statements(regclass) is
  'What builds the indexes of the blind indexes, each in a transaction of its own. An e-mail address is unique within a tenant, as it was in clear.';

revoke execute on function
  pii.protect(regclass, name, name, jsonb), pii.assert_sealable(regclass, name, name, jsonb), pii.index_statements(regclass)
from public;
--! EndIncluded pii/protect.sql
--! Included pii/batches.sql
-- Work over whole tables, in batches, as app_background with a named job. Nothing is remembered between batches: what is to
-- be done is read off the rows, so that a run that was killed is begun anew and finds it.

create or replace function pii.require_job() returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'set local role app_background; select tenancy.set_job(''pii''); first, in the same transaction.';
  end if;
end
$$;
comment on function pii.require_job() is 'Refuses whoever is not app_background with a named job.';

set role app_pii;
create or replace function pii.active_kids() returns table (tenant uuid, kid smallint)
language sql stable security definer
begin atomic
  select k.restaurant_id, k.kid from pii.tenant_keys as k where k.state = 'active' and tenancy.current_job() is not null;
end;
comment on function pii.active_kids() is
  'The id of the key that each tenant''s values are sealed under. Runs with the rights of app_pii, to show ids and no keys; for background jobs.';

-- Without a tenant context, since a job goes through the rows of all; it tells whether the value is right and not what it is.
create or replace function pii.is_sealed_as(tenant uuid, column_name text, row_id uuid, sealed bytea, plain text) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  return pii.open_value(tenant, column_name, row_id, sealed) = coalesce(plain, pii.open_value(tenant, column_name, row_id, sealed));
end
$$;
comment on function pii.is_sealed_as(uuid, text, uuid, bytea, text) is
  'Whether a sealed value opens and is this one; NULL as the value asks only whether it opens. PI004, PI005 where it does not. '
  'Runs with the rights of app_pii, which alone reads keys; for background jobs.';
revoke execute on function pii.active_kids(), pii.is_sealed_as(uuid, text, uuid, bytea, text) from public;
grant execute on function pii.active_kids(), pii.is_sealed_as(uuid, text, uuid, bytea, text) to app_background;
reset role;

-- An UPDATE that assigns a derived column makes the trigger see to the row: it seals what is not, opens and seals again what
-- is under an old key, and drops the plaintext of a table that is being retired. So there is one place that seals.
create or replace function pii.seal_batch(
  relation regclass, max_rows integer, after_tenant uuid default null, after_id uuid default null,
  out changed integer, out failed integer, out last_tenant uuid, out last_id uuid, out finished boolean, out problems jsonb
)
language plpgsql
set search_path = ''
-- In the order of the key, row by row until there are enough: the planner, who can't know how many need work, would sort all.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_nestloop = off
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  tenants pg_catalog.uuid[];
  ids pg_catalog.uuid[];
  places pg_catalog.tid[];
  needed pg_catalog.text;
  assignments pg_catalog.text;
  statement pg_catalog.text;
begin
  perform pii.require_job();
  if max_rows is null or max_rows < 1 then
    raise invalid_parameter_value using message = 'max_rows has to be at least 1';
  end if;
  select
    string_agg(format('(c.%1$I is not null%3$s) or (c.%2$I is not null and pii.kid_of(c.%2$I) is distinct from k.kid)',
      p.column_name, p.column_name || '_encrypted',
      case when target.phase in ('retiring', 'retired') then '' else format(' and c.%I is null', p.column_name || '_encrypted') end), ' or '),
    string_agg(format('%1$I = c.%1$I', p.column_name || '_encrypted'), ', ')
  into needed, assignments
  from pii.protected_columns as p
  where p.relation = target.relation;

  -- Rows that somebody else is changing are left for another run: they may be sealed already when that is done.
  execute format(
    $sql$
      select array_agg(b.tenant), array_agg(b.id), array_agg(b.place)
      from (
        select c.%2$I as tenant, c.%3$I as id, c.ctid as place
        from %1$s as c left join pii.active_kids() as k on k.tenant = c.%2$I
        where (%4$s) %5$s
        order by c.%2$I, c.%3$I
        limit $1
        for no key update of c skip locked
      ) as b
    $sql$,
    pii.name_of(relation), target.tenant_column, target.id_column, needed,
    case when after_tenant is not null then format('and (c.%I, c.%I) > ($2, $3)', target.tenant_column, target.id_column) else '' end
  ) into tenants, ids, places using max_rows, after_tenant, after_id;

  changed := coalesce(cardinality(ids), 0);
  failed := 0;
  problems := '[]';
  finished := changed < max_rows;
  last_tenant := coalesce(tenants[changed], after_tenant);
  last_id := coalesce(ids[changed], after_id);
  if changed = 0 then
    return;
  end if;

  -- The rows are locked, so that they stay where they are.
  statement := format('update %s as c set %s where c.ctid = any ($1)', pii.name_of(relation), assignments);
  begin
    execute statement using places;
  exception
    when unique_violation or check_violation or sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate 'PI012' then
      -- One row is the reason: one at a time then, so that the others are done.
      for n in 1..cardinality(places) loop
        begin
          execute statement using places[n:n];
        exception
          when unique_violation or check_violation or sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate 'PI012' then
            failed := failed + 1;
            changed := changed - 1;
            problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'sqlstate', sqlstate);
        end;
      end loop;
  end;
end
$$;
comment on function pii.seal_batch(regclass, integer, uuid, uuid) is
  'Seals the next rows of a table that are not sealed, or not under the present key, and drops plaintext where the table is '
  'being retired; begins behind the row given. How many it changed; which it could not and why: 23505 where two rows are '
  'the same once normalised, PI004 and PI005 where a value is damaged. finished: there are no more behind these. Needs app.pii.key.';

create or replace function pii.check_batch(
  relation regclass, max_rows integer, after_tenant uuid default null, after_id uuid default null,
  out checked integer, out damaged integer, out differing integer, out last_tenant uuid, out last_id uuid, out finished boolean,
  out problems jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  p record;
  tenants pg_catalog.uuid[];
  ids pg_catalog.uuid[];
  statement pg_catalog.text;
  wrong pg_catalog.int4;
begin
  perform pii.require_job();
  execute format(
    $sql$
      select array_agg(b.tenant order by b.tenant, b.id), array_agg(b.id order by b.tenant, b.id)
      from (
        select c.%2$I as tenant, c.%3$I as id from %1$s as c where %4$s order by c.%2$I, c.%3$I limit $1
      ) as b
    $sql$,
    pii.name_of(relation), target.tenant_column, target.id_column,
    case when after_tenant is not null then format('(c.%I, c.%I) > ($2, $3)', target.tenant_column, target.id_column) else 'true' end
  ) into tenants, ids using max_rows, after_tenant, after_id;
  checked := coalesce(cardinality(ids), 0);
  damaged := 0;
  differing := 0;
  problems := '[]';
  finished := checked < max_rows;
  last_tenant := coalesce(tenants[checked], after_tenant);
  last_id := coalesce(ids[checked], after_id);

  for p in
    select c.column_name, target.relation || '.' || quote_ident(c.column_name) as place
    from pii.protected_columns as c where c.relation = target.relation
  loop
    statement := format(
      $sql$
        select count(*) from unnest($1, $2) as b (tenant, id) join %1$s as c on c.%2$I = b.tenant and c.%3$I = b.id
        where c.%4$I is not null and not pii.is_sealed_as(c.%2$I, %5$L, c.%3$I, c.%4$I, c.%6$I)
      $sql$,
      pii.name_of(relation), target.tenant_column, target.id_column, p.column_name || '_encrypted', p.place, p.column_name);
    begin
      execute statement into wrong using tenants, ids;
      continue when wrong = 0;
    exception
      when sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate '22021' then
        null;
    end;
    for n in 1..checked loop
      begin
        execute statement into wrong using tenants[n:n], ids[n:n];
        differing := differing + wrong;
        if wrong > 0 then
          problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'column', p.column_name, 'sqlstate', null);
        end if;
      exception
        when sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate '22021' then
          damaged := damaged + 1;
          problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'column', p.column_name, 'sqlstate', sqlstate);
      end;
    end loop;
  end loop;
end
$$;
comment on function pii.check_batch(regclass, integer, uuid, uuid) is
  'Opens the sealed values of the next rows and compares them with the plaintext, where there is any. damaged: values that do '
  'not open; differing: values that are not what stands in clear. Needs app.pii.key.';

create or replace function pii.status(relation regclass)
returns table (
  column_name name, kind text, total bigint, plaintext bigint, sealed bigint, unsealed bigint, stale bigint, unsearchable bigint
)
language plpgsql stable
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  p record;
begin
  perform pii.require_job();
  for p in select c.column_name, c.kind from pii.protected_columns as c where c.relation = target.relation order by c.column_name loop
    return query execute format(
      $sql$
        select %4$L::pg_catalog.name, %5$L::pg_catalog.text, count(*), count(c.%4$I), count(c.%6$I),
          count(*) filter (where c.%4$I is not null and c.%6$I is null),
          count(*) filter (where c.%6$I is not null and pii.kid_of(c.%6$I) is distinct from k.kid),
          count(*) filter (where c.%6$I is not null and %7$s)
        from %1$s as c left join pii.active_kids() as k on k.tenant = c.%2$I
      $sql$,
      pii.name_of(relation), target.tenant_column, target.id_column, p.column_name, p.kind, p.column_name || '_encrypted',
      case when p.kind in ('email', 'phone') then format('num_nonnulls(c.%I, c.%I) = 0', p.column_name || '_search', p.column_name || '_search_alt') else 'false' end);
  end loop;
end
$$;
comment on function pii.status(regclass) is
  'Per protected column: rows, values in clear, sealed values, values only in clear, sealed under an old key, sealed but '
  'found by no look-up because they are no address or number. Needs no key.';

revoke execute on function
  pii.require_job(), pii.seal_batch(regclass, integer, uuid, uuid), pii.check_batch(regclass, integer, uuid, uuid), pii.status(regclass)
from public;
grant execute on function
  pii.require_job(), pii.seal_batch(regclass, integer, uuid, uuid), pii.check_batch(regclass, integer, uuid, uuid), pii.status(regclass)
to app_background;
--! EndIncluded pii/batches.sql
--! Included pii/phases.sql
-- The roll-out, phase by phase. Each move is a short transaction of the owner: what takes long holds no lock that anybody
-- waits for, and what takes a strong lock does not take long.

create or replace function pii.move_to(relation regclass, phase text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  table_name constant pg_catalog.text := pii.name_of(relation);
  phases constant pg_catalog.text[] := array['expand', 'backfilled', 'verified', 'switched', 'retiring', 'retired'];
  here constant pg_catalog.int4 := array_position(phases, target.phase);
  there constant pg_catalog.int4 := array_position(phases, phase);
  obstacle pg_catalog.text;
  c record;
begin
  if there is null then
    raise invalid_parameter_value using
      message = format('%L is no phase', phase), hint = 'They are, in order: ' || array_to_string(phases, ', ') || '.';
  end if;
  if here = there then
    return target.phase;
  end if;
  if there > here + 1 then
    obstacle := format('it is in phase %s, and %s comes first', target.phase, phases[here + 1]);
  elsif there < here and here > 4 then
    obstacle := format('it is in phase %s, where plaintext is dropped already', target.phase);
  elsif there < here - 1 then
    obstacle := format('it is in phase %s: one step back is %s', target.phase, phases[here - 1]);
  elsif there > here then
    obstacle := pii.obstacle_to(relation, phase);
  end if;
  if obstacle is not null then
    raise sqlstate 'PI020' using
      message = format('%s cannot be moved to phase %s: %s', target.relation, phase, obstacle),
      hint = 'See the phases in docs/pii.md.';
  end if;

  update pii.protected_tables as t set phase = move_to.phase, since = now() where t.relation = target.relation;

  for c in
    select p.column_name, p.column_name || '_encrypted' as encrypted, p.plain_columns,
      p.column_name || '_is_sealed' as sealed_check, p.column_name || '_is_not_in_clear' as clear_check
    from pii.protected_columns as p where p.relation = target.relation
  loop
    if here = 1 then
      execute format('alter table %s add constraint %I check (%I is null or %I is not null) not valid',
        table_name, c.sealed_check, c.column_name, c.encrypted);
      execute format('comment on constraint %I on %s is %L', c.sealed_check, table_name, 'No value stands in clear alone.');
    elsif here = 2 and there = 3 then
      execute format('alter table %s validate constraint %I', table_name, c.sealed_check);
    elsif here = 2 then
      execute format('alter table %s drop constraint %I', table_name, c.sealed_check);
    elsif here = 4 and there = 5 then
      execute format('alter table %s add constraint %I check (%I is null) not valid', table_name, c.clear_check, c.column_name);
      execute format('comment on constraint %I on %s is %L', c.clear_check, table_name, 'No value stands in clear.');
    elsif here = 5 then
      execute format('alter table %s validate constraint %I', table_name, c.clear_check);
      execute coalesce(
        (select string_agg(format('alter table %s drop column if exists %I', table_name, d.name), ';') from unnest(c.plain_columns) as d (name)),
        'select');
    end if;
  end loop;

  if here = 3 and there = 4 then
    execute format('revoke select on %s from public, authenticated, anonymous', table_name);
    execute format('grant select (%I, %I) on %s to authenticated', target.tenant_column, target.id_column, table_name);
  elsif here = 4 and there = 3 then
    execute format('grant select on %s to authenticated', table_name);
  elsif here = 4 then
    perform pii.build_trigger(relation);
  end if;
  return phase;
end
$$;
comment on function pii.move_to(regclass, text) is
  'Moves a table to the next phase of its roll-out, or one back until it is retiring. PI020 with the reason while the '
  'condition of the phase does not hold. To verified it opens every value: needs app.pii.key. For the owner of the table.';

-- Counts are a job's, since row security is forced and the owner may have no BYPASSRLS.
create or replace function pii.obstacle_to(relation regclass, phase text) returns text
language plpgsql
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  who constant pg_catalog.text := current_setting('role');
  job constant pg_catalog.text := current_setting('app.job', true);
  obstacle pg_catalog.text;
  position_tenant pg_catalog.uuid;
  position_id pg_catalog.uuid;
  batch record;
begin
  if phase = 'backfilled' then
    select string_agg(i.statement, '; ') into obstacle
    from pii.index_statements(relation) as i (statement)
    where not exists (
      select from pg_catalog.pg_index as x
      join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = x.indkey[1]
      join pg_catalog.pg_attribute as t on t.attrelid = x.indrelid and t.attnum = x.indkey[0]
      where x.indrelid = relation and x.indisvalid and t.attname = target.tenant_column
        and i.statement like '%' || quote_ident(a.attname) || ') where%' and (x.indisunique or i.statement not like 'create unique%')
    );
    if obstacle is not null then
      return 'an index is missing or not valid: ' || obstacle;
    end if;
  end if;

  perform set_config('role', 'app_background', true), set_config('app.job', 'pii-phase', true);
  if phase in ('backfilled', 'verified') then
    select string_agg(format('%s values of %s are not sealed', s.unsealed, s.column_name), ', ') into obstacle
    from pii.status(relation) as s where s.unsealed > 0;
  elsif phase = 'retired' then
    select string_agg(format('%s values of %s stand in clear', s.plaintext, s.column_name), ', ') into obstacle
    from pii.status(relation) as s where s.plaintext > 0;
  end if;
  if phase = 'verified' and obstacle is null then
    loop
      batch := pii.check_batch(relation, 10000, position_tenant, position_id);
      if batch.damaged + batch.differing > 0 then
        obstacle := format('%s values do not open and %s are not what stands in clear, the first in row %s',
          batch.damaged, batch.differing, batch.problems -> 0 ->> 'id');
      end if;
      exit when batch.finished or obstacle is not null;
      position_tenant := batch.last_tenant;
      position_id := batch.last_id;
    end loop;
  end if;
  perform set_config('role', who, true), set_config('app.job', coalesce(job, ''), true);
  return obstacle;
end
$$;
comment on function pii.obstacle_to(regclass, text) is 'Why a table cannot enter a phase, or NULL. For the owner of the table.';

revoke execute on function pii.move_to(regclass, text), pii.obstacle_to(regclass, text) from public;
--! EndIncluded pii/phases.sql
--! Included pii/rotate.sql
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
--! EndIncluded pii/rotate.sql
--! Included pii/customers.sql
-- The customers of the reference platform: the country of a restaurant, the views and the look-ups.

alter table public.restaurants add column if not exists phone_country_code text;
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'public.restaurants'::regclass and conname = 'restaurants_phone_country_code') then
    alter table public.restaurants add constraint restaurants_phone_country_code check (phone_country_code ~ '^[1-9][0-9]{0,2}$') not valid;
  end if;
end
$$;
comment on column public.restaurants.phone_country_code is
  'Calling code that guests'' numbers without a country get, such as 39. NULL: such numbers are refused.';

select pii.protect(
  'public.customers', 'restaurant_id', 'id',
  '{"email": {"kind": "email", "derived": ["email_normalized"]}, "phone": {"kind": "phone", "derived": ["phone_normalized"]}}'
);

-- As the one who writes, who may read the restaurant: the tenant itself or a job.
create or replace function pii.complete_customer_phone() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.phone := pii.complete_phone(
    new.phone, (select r.phone_country_code from public.restaurants as r where r.id = new.restaurant_id)
  );
  return new;
end
$$;
comment on function pii.complete_customer_phone() is 'Puts the restaurant''s calling code before a number that has none.';
revoke execute on function pii.complete_customer_phone() from public;

drop trigger if exists pii_0_complete_phone on public.customers;
create trigger pii_0_complete_phone before insert or update of phone on public.customers
  for each row when (new.phone ~ '^[\s(]*[0-9]' and new.phone !~ '^[\s(]*00') execute function pii.complete_customer_phone();

-- What app_pii reads for the views, besides what pii.protect() granted. Not the plaintext.
grant select (full_name, notes, accepts_marketing, created_at, updated_at) on public.customers to app_pii;
grant select (id, phone_country_code) on public.restaurants to app_pii;
drop policy if exists pii_access on public.restaurants;
create policy pii_access on public.restaurants for select to app_pii
  using (id = (select public.current_restaurant_id()));
comment on policy pii_access on public.restaurants is 'For the calling code of the tenant''s own restaurant.';
grant usage on schema public to app_pii, pii_reader;

-- Owned by app_pii and not by the owner of the table: row security binds it. They are no security_invoker views, so that
-- tenants need no SELECT on the table, where the plaintext is until it is retired.
grant create on schema public to app_pii;
set role app_pii;

create or replace view public.customers_secure_view with (security_barrier) as
select c.restaurant_id, c.id, c.full_name, c.email_masked, c.phone_masked, c.notes, c.accepts_marketing, c.created_at, c.updated_at
from public.customers as c;
comment on view public.customers_secure_view is 'Guests with masked e-mail address and phone number. Needs no key.';

create or replace view public.customers_private_view with (security_barrier) as
select
  c.restaurant_id, c.id, c.full_name,
  pii.open(c.restaurant_id, 'public.customers.email', c.id, c.email_encrypted) as email,
  pii.open(c.restaurant_id, 'public.customers.phone', c.id, c.phone_encrypted) as phone,
  c.notes, c.accepts_marketing, c.created_at, c.updated_at
from public.customers as c;
comment on view public.customers_private_view is 'Guests with e-mail address and phone number in clear, for pii_reader. Needs app.pii.key.';

create or replace view public.customers_admin_view with (security_barrier) as
select
  c.restaurant_id, c.id, c.full_name,
  pii.open(c.restaurant_id, 'public.customers.email', c.id, c.email_encrypted) as email,
  pii.open(c.restaurant_id, 'public.customers.phone', c.id, c.phone_encrypted) as phone,
  c.email_masked, c.phone_masked,
  pii.kid_of(c.email_encrypted) as email_key, pii.kid_of(c.phone_encrypted) as phone_key,
  c.notes, c.accepts_marketing, c.created_at, c.updated_at
from public.customers as c;
comment on view public.customers_admin_view is 'customers_private_view with masks and key ids, for support. For pii_reader. Needs app.pii.key.';

revoke all on public.customers_secure_view, public.customers_private_view, public.customers_admin_view
  from public, authenticated, anonymous, app_background, pii_reader;
grant select on public.customers_secure_view to authenticated, app_background, pii_reader;
grant select on public.customers_private_view, public.customers_admin_view to pii_reader;
-- To the owner of the table something that is of no use on a view: GRANT … ON ALL TABLES IN SCHEMA public, by who has nothing
-- at all on one of them, is an error and not a warning.
do $$
begin
  execute format(
    'grant references on public.customers_secure_view, public.customers_private_view, public.customers_admin_view to %I',
    (select r.rolname from pg_catalog.pg_class as c join pg_catalog.pg_roles as r on r.oid = c.relowner where c.oid = 'public.customers'::regclass)
  );
end
$$;

-- With pg_temp named last, as in everything that runs as app_pii: what these functions call is compiled under their
-- search_path, and with an empty one a type in the caller's temporary schema would come first.
-- SECURITY DEFINER because they read the tenant's index key. The rows that they find are those of the tenant in the context.
create or replace function public.find_customers_by_email(email text) returns setof public.customers_secure_view
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant pg_catalog.uuid := public.current_restaurant_id();
  folded constant pg_catalog.text := pii.fold_email(email);
  found_key pg_catalog.bytea;
  blind pg_catalog.bytea;
begin
  if tenant is null or pii.is_email(folded) is not true then
    return;
  end if;
  found_key := pii.searching_key(tenant);
  blind := pii.blind_index(tenant, 'public.customers.email', folded, substr(found_key, 3));
  if get_byte(found_key, 1) % 2 = 1 then
    return query
    select c.restaurant_id, c.id, c.full_name, c.email_masked, c.phone_masked, c.notes, c.accepts_marketing, c.created_at, c.updated_at
    from public.customers as c where c.restaurant_id = tenant and c.email_search = blind;
  else
    return query
    select c.restaurant_id, c.id, c.full_name, c.email_masked, c.phone_masked, c.notes, c.accepts_marketing, c.created_at, c.updated_at
    from public.customers as c where c.restaurant_id = tenant and c.email_search_alt = blind;
  end if;
end
$$;
comment on function public.find_customers_by_email(text) is
  'The tenant''s guests with this e-mail address, however it is written, masked. Runs with the rights of app_pii, which alone '
  'reads keys and which row security binds. What is no address finds nothing. Needs app.pii.key.';

create or replace function public.find_customers_by_phone(phone text) returns setof public.customers_secure_view
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant constant pg_catalog.uuid := public.current_restaurant_id();
  folded constant pg_catalog.text := pii.fold_phone(
    pii.complete_phone(phone, (select r.phone_country_code from public.restaurants as r where r.id = tenant))
  );
  found_key pg_catalog.bytea;
  blind pg_catalog.bytea;
begin
  if tenant is null or pii.is_phone(folded) is not true then
    return;
  end if;
  found_key := pii.searching_key(tenant);
  blind := pii.blind_index(tenant, 'public.customers.phone', folded, substr(found_key, 3));
  if get_byte(found_key, 1) % 2 = 1 then
    return query
    select c.restaurant_id, c.id, c.full_name, c.email_masked, c.phone_masked, c.notes, c.accepts_marketing, c.created_at, c.updated_at
    from public.customers as c where c.restaurant_id = tenant and c.phone_search = blind;
  else
    return query
    select c.restaurant_id, c.id, c.full_name, c.email_masked, c.phone_masked, c.notes, c.accepts_marketing, c.created_at, c.updated_at
    from public.customers as c where c.restaurant_id = tenant and c.phone_search_alt = blind;
  end if;
end
$$;
comment on function public.find_customers_by_phone(text) is
  'The tenant''s guests with this phone number, in any notation; without a country it gets that of the restaurant. Masked. '
  'Runs with the rights of app_pii, which alone reads keys and which row security binds. Needs app.pii.key.';

revoke execute on function public.find_customers_by_email(text), public.find_customers_by_phone(text) from public;
grant execute on function public.find_customers_by_email(text), public.find_customers_by_phone(text) to authenticated, pii_reader, app_background;

reset role;
revoke create on schema public from app_pii;
--! EndIncluded pii/customers.sql
--! Included pii/customers-indexes.sql
-- The blind indexes of the customers. Not CONCURRENTLY, which no transaction allows: where there are customers already,
-- pii.index_statements() has built them before.
do $$
declare
  wanted text;
begin
  for wanted in select statement from pii.index_statements('public.customers') as statement loop
    execute replace(wanted, ' concurrently ', ' ');
  end loop;
end
$$;
--! EndIncluded pii/customers-indexes.sql
--! Included pii/guests.sql
-- What, besides the protected columns, holds data of guests: the registry that erasure goes by, and that a check compares with the
-- JSON columns there are. A column that nobody has thought about is one that nobody erases.

create table if not exists pii.guest_columns (
  relation text not null,
  column_name name not null,
  holds text not null check (holds in ('guest', 'about', 'text', 'json', 'code', 'nothing')),
  paths text[] not null default '{}',
  stays text,
  reason text,
  primary key (relation, column_name),
  constraint guest_columns_reason check ((reason is not null) = (holds = 'nothing')),
  constraint guest_columns_paths check (holds = 'json' or paths = '{}')
);
comment on table pii.guest_columns is 'The columns that hold data of guests besides the protected ones, and the JSON columns that hold none.';
comment on column pii.guest_columns.relation is 'schema.table.';
comment on column pii.guest_columns.holds is
  'guest: the id of a guest, and the row is about the guest. about: the id of a row that is about one. text: words about a guest, cleared. '
  'json: cleared of what names the guest. code: a key or code, replaced if it names the guest. nothing: no data of guests.';
comment on column pii.guest_columns.paths is
  'Of JSON: places that hold data of a guest whatever it looks like, such as {answers,diet}; a * stands for any key or place of an array.';
comment on column pii.guest_columns.stays is 'Of text: what is put in its place; NULL clears it.';
comment on column pii.guest_columns.reason is 'Of nothing: how that is known.';

revoke all on table pii.guest_columns from public, authenticated, anonymous, pii_reader;
grant select on table pii.guest_columns to app_pii, app_background;

create or replace function pii.register_guest_column(
  relation regclass, column_name name, holds text, paths text[] default '{}', stays text default null, reason text default null
) returns void
language plpgsql
set search_path = ''
as $$
declare
  target constant pg_catalog.text := pii.name_of(relation);
  type_name constant pg_catalog.name := (
    select coalesce(b.typname, t.typname)
    from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid left join pg_catalog.pg_type as b on b.oid = t.typbasetype
    where a.attrelid = relation and a.attname = register_guest_column.column_name and a.attnum > 0 and not a.attisdropped
  );
  tenant_column pg_catalog.name := pii.tenant_column_of(relation);
begin
  if type_name is null then
    raise undefined_column using message = format('%s has no column %I', coalesce(target, 'NULL'), column_name);
  end if;
  if holds <> 'nothing' and tenant_column is null then
    raise object_not_in_prerequisite_state using message = format('%s is not protected', target), hint = 'Call tenancy.protect() first.';
  end if;
  if not coalesce(type_name = any (case
    when holds in ('guest', 'about') then array['uuid']
    when holds = 'json' then array['json', 'jsonb']
    when holds in ('text', 'code') then array['text', 'varchar']
    when holds = 'nothing' then array[type_name] end), false)
  then
    raise datatype_mismatch using
      message = format('%s.%I is of type %s', target, column_name, type_name),
      hint = 'guest and about are for uuid, text and code for text, json for json and jsonb.';
  end if;
  insert into pii.guest_columns as g (relation, column_name, holds, paths, stays, reason)
  values (target, register_guest_column.column_name, register_guest_column.holds, coalesce(register_guest_column.paths, '{}'), register_guest_column.stays, register_guest_column.reason)
  on conflict on constraint guest_columns_pkey do update
    set holds = excluded.holds, paths = excluded.paths, stays = excluded.stays, reason = excluded.reason;

  -- Of a record that nobody may change app_pii takes out what names a guest: these columns, of the tenant at hand.
  if exists (select from pg_catalog.pg_policy where polrelid = relation and polname = 'append_only_update') and holds in ('json', 'text', 'code') then
    perform tenancy.append_only(relation);
    execute format('grant select on %s to app_pii', target);
    execute format('grant update (%I) on %s to app_pii', column_name, target);
    execute format('drop policy if exists pii_access on %s', target);
    execute format('create policy pii_access on %1$s to app_pii using (%2$I = (select public.current_restaurant_id())) with check (%2$I = (select public.current_restaurant_id()))',
      target, tenant_column);
    execute format('comment on policy pii_access on %s is %L', target, 'Erasure takes out what names a guest of the tenant at hand.');
    perform tenancy.isolate_children(relation);
  end if;
end
$$;
comment on function pii.register_guest_column(regclass, name, text, text[], text, text) is
  'Says what of guests a column holds (see pii.guest_columns.holds), for erasure, pii.find_customer() and check H1005. May be repeated.';

create or replace function pii.tenant_column_of(relation regclass) returns name
language sql stable
set search_path = ''
as $$
  select a.attname
  from pg_catalog.pg_policy as p
  join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid and d.refobjid = p.polrelid
  join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where p.polrelid = relation and p.polname = 'tenant_floor'
$$;
comment on function pii.tenant_column_of(regclass) is 'The column that tenancy.protect() isolates a table by; NULL if it does not.';

revoke execute on function
  pii.register_guest_column(regclass, name, text, text[], text, text), pii.tenant_column_of(regclass)
from public;
grant execute on function pii.tenant_column_of(regclass) to app_background, app_pii;
--! EndIncluded pii/guests.sql
--! Included pii/scrub.sql
-- How a guest is recognised in what was written about the guest. Everything is compared in one form: NFKC, lower case. A pattern
-- finds the address, the number in any notation and the id; words are the parts of the name, which count only in what is about the
-- guest, since others have the same name.

create or replace function pii.fold_text(value text) returns text
language sql immutable parallel safe
return lower(case when octet_length(value) = length(value) then value else normalize(value, nfkc) end);
comment on function pii.fold_text(text) is 'A text in the form in which guests are looked for.';

create or replace function pii.email_pattern(value text) returns text
language sql immutable parallel safe
return '(?<![[:alnum:]._%+-])'
  || replace(regexp_replace(pii.fold_text(pii.fold_email(value)), '([][\\.*+?(){}|^$])', '\\\1', 'g'), '@', '(?:@|%40)')
  || '(?![[:alnum:]-]|\.[[:alnum:]])';
comment on function pii.email_pattern(text) is 'Finds an e-mail address within a folded text, and not as a part of another one.';

-- Any of what is usual may stand between two digits. A national number has no country, and may have a 0 before it.
create or replace function pii.phone_pattern(value text, country_code text) returns text
language sql immutable parallel safe
begin atomic
  select string_agg(
    '(?<![0-9])' || n.prefix || regexp_replace(n.digits, '([0-9])(?=[0-9])', E'\\1[-. ()/\u2010-\u2015\u2212]*', 'g') || '(?![0-9])', '|')
  from (select regexp_replace(pii.fold_phone(pii.complete_phone(value, country_code)), '[^0-9]', '', 'g') as digits) as d
  cross join lateral (
    select '' as prefix, d.digits
    union all
    select '0?', substr(d.digits, length(country_code) + 1)
    where starts_with(d.digits, country_code) and length(d.digits) - length(country_code) >= 6
  ) as n
  where length(n.digits) >= 6;
end;
comment on function pii.phone_pattern(text, text) is
  'Finds a phone number in a folded text, in any notation, as a JSON number too, with its country or, if the country''s calling code is given, without. '
  'NULL for fewer than 6 digits, which would be found everywhere.';

-- The server's idea of a letter depends on the locale: in "C" there are none beyond ASCII, and names would go unseen.
create or replace function pii.word_characters() returns text
language sql immutable parallel safe
return '[:alnum:]\u00c0-\u1fff\u2c00-\u2fff\u3040-\uffff';
comment on function pii.word_characters() is
  'What words are made of, for a bracket of a pattern, in every locale: beyond ASCII all but spaces and punctuation.';

create or replace function pii.name_words(value text) returns text
language sql immutable parallel safe
begin atomic
  select string_agg(distinct w.word, '|')
  from regexp_split_to_table(pii.fold_text(value), '[^' || pii.word_characters() || ']+') as w (word)
  where value <> '[erased]' and (length(w.word) > 2 or w.word collate "C" !~ '^[ -~]*$' and w.word <> '');
end;
comment on function pii.name_words(text) is 'The parts of a name as alternatives of a pattern: those of three letters, or of other scripts. NULL: none.';

create or replace function pii.name_pattern(value text) returns text
language sql immutable parallel safe
begin atomic
  select '(?<![' || pii.word_characters() || '])' || string_agg(w.word, '[^' || pii.word_characters() || '"]+' order by w.n)
    || '(?![' || pii.word_characters() || '])'
  from regexp_split_to_table(pii.fold_text(value), '[^' || pii.word_characters() || ']+') with ordinality as w (word, n)
  where value <> '[erased]' and w.word <> '';
end;
comment on function pii.name_pattern(text) is 'Finds the whole name in a folded text. NULL: there is none.';

create or replace function pii.mentions(document text, pattern text, tokens text[]) returns boolean
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  folded constant pg_catalog.text := pii.fold_text(document);
  token pg_catalog.text;
begin
  if folded ~ pattern then
    return true;
  end if;
  -- A few are looked for one by one; of many, the strings of the document are looked up.
  if cardinality(tokens) > 20 then
    return exists (select from regexp_matches(folded, '"([^"\\]+)"', 'g') as m where m[1] = any (tokens));
  end if;
  foreach token in array coalesce(tokens, '{}') loop
    if strpos(folded, '"' || token || '"') > 0 then
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function pii.mentions(text, text, text[]) is
  'Whether JSON, as text, has a place that a pattern finds, or a whole string that is one of the tokens (ids, codes; folded).';

-- Keys whose content names a person, and those whose content does in any form.
create or replace function pii.is_personal(key text) returns boolean
language sql immutable parallel safe
return key ~* '(name|e-?mail|phone|mobile|recipient|address|contact|note|message|body|(?<!con)text|subject|guest|customer|birth|birthday|birthdate|born|dob|allerg(y|ie)|diet)s?$|^(to|cc|bcc|tel|sms)$|^birth';
comment on function pii.is_personal(text) is 'Whether a key of a JSON object says that what stands there is about a person.';

create or replace function pii.blank(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (select coalesce(jsonb_object_agg(e.key, pii.blank(e.value)), '{}') from jsonb_each(value) as e)
    when 'array' then (select coalesce(jsonb_agg(pii.blank(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    when 'string' then case when tenancy.uuid_or_null(value #>> '{}') is null then '"[erased]"' else value end
    -- As long as a phone number. Counts and prices stay.
    when 'number' then case when length(regexp_replace(value::pg_catalog.text, '[^0-9]', '', 'g')) >= 7 then '"[erased]"' else value end
    else value
  end;
end
$$;
comment on function pii.blank(jsonb) is 'JSON without its strings and long numbers, however deep they are. Ids stay.';

-- The keys of an object that name the guest go too, numbered, so that two do not become one.
create or replace function pii.scrub(value jsonb, about boolean, pattern text, words text) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  whole pg_catalog.bool := about;
  own pg_catalog.text;
begin
  case jsonb_typeof(value)
    when 'object' then
      if not about then
        -- An object that has the guest's address is about the guest, unless it has another person's too. A sender is nobody's guest.
        select string_agg(pii.fold_text(coalesce(e.value #>> '{}', '')), ' | ') into own
        from jsonb_each(value) as e
        where e.key !~* '^(from|sender|reply[_-]?to)$' and (jsonb_typeof(e.value) in ('string', 'number') or jsonb_typeof(e.value) = 'array' and e.value::pg_catalog.text !~ '[{]');
        whole := coalesce(own ~ pattern, false) and not pii.has_address(regexp_replace(own, pattern, '', 'g'));
      end if;
      return (
        select coalesce(jsonb_object_agg(
          case when pii.fold_text(e.key) ~ pattern or e.key ~ '[^@\s]@[^@\s]+\.[^@\s]' and whole then '[erased] ' || e.n else e.key end,
          case when whole and (pii.is_personal(e.key)) and jsonb_typeof(e.value) <> 'boolean' then pii.blank(e.value)
            else pii.scrub(e.value, whole, pattern, words) end), '{}')
        from jsonb_each(value) with ordinality as e (key, value, n));
    when 'array' then
      return (
        select coalesce(jsonb_agg(pii.scrub(e.value, about, pattern, words) order by e.n), '[]')
        from jsonb_array_elements(value) with ordinality as e (value, n));
    when 'string', 'number' then
      own := pii.fold_text(value #>> '{}');
      return case
        when tenancy.uuid_or_null(own) is not null then value
        when own ~ pattern then '"[erased]"'
        -- Another person's address, which may have the same family name in it.
        when jsonb_typeof(value) = 'string' and pii.has_address(own) then case when about then '"[erased]"' else value end
        when own ~ ('(?<![[:alpha:]])(' || words || ')(?![[:alpha:]])') then '"[erased]"'
        else value
      end;
    else
      return value;
  end case;
end
$$;
comment on function pii.scrub(jsonb, boolean, text, text) is
  'JSON without what names a guest: what the pattern or the words find, at any depth; and in what is about the guest (about: all of it; otherwise '
  'the objects that hold the address or number, and no other''s) whatever stands under a key such as email, guest or to, and any address. Ids stay.';

create or replace function pii.has_address(value text) returns boolean
language sql immutable parallel safe
return value ~ '[^@\s"]@[^@\s"]+\.[^@\s"]|(^|[\s"|])(\+|00)[1-9][0-9][-0-9 ./()]{5,}';
comment on function pii.has_address(text) is 'Whether something looks like an e-mail address or a phone number with its country.';

create or replace function pii.scrub_paths(value jsonb, paths text[]) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  p pg_catalog.text;
begin
  foreach p in array paths loop
    value := pii.scrub_path(value, p::pg_catalog.text[]);
  end loop;
  return value;
end
$$;
comment on function pii.scrub_paths(jsonb, text[]) is 'JSON without what stands at the paths, each as text, such as {answers,*,diet}.';

create or replace function pii.scrub_path(value jsonb, path text[]) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case
    when cardinality(path) = 0 then case when jsonb_typeof(value) in ('object', 'array') then pii.blank(value) when value = 'null' then value else '"[erased]"' end
    when jsonb_typeof(value) = 'object' then (
      select coalesce(jsonb_object_agg(e.key, case when path[1] in ('*', e.key) then pii.scrub_path(e.value, path[2:]) else e.value end), '{}')
      from jsonb_each(value) as e)
    when jsonb_typeof(value) = 'array' then (
      select coalesce(jsonb_agg(case when path[1] in ('*', (e.n - 1)::pg_catalog.text) then pii.scrub_path(e.value, path[2:]) else e.value end order by e.n), '[]')
      from jsonb_array_elements(value) with ordinality as e (value, n))
    else value
  end;
end
$$;
comment on function pii.scrub_path(jsonb, text[]) is 'JSON without what stands at one path.';

-- Everybody's, of a tenant that is erased: no word stays.
create or replace function pii.wipe(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (
      select coalesce(jsonb_object_agg(case when e.key ~ '^[A-Za-z0-9_.-]{1,63}$' then e.key else '[erased] ' || e.n end, pii.wipe(e.value)), '{}')
      from jsonb_each(value) with ordinality as e (key, value, n))
    when 'array' then (select coalesce(jsonb_agg(pii.wipe(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    else pii.blank(value)
  end;
end
$$;
comment on function pii.wipe(jsonb) is 'JSON without any string but ids, any long number, and any key that is not plain.';

create or replace function pii.addresses_guest(payload jsonb, pattern text, is_mail boolean) returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(r.recipients ~ pattern and not pii.has_address(regexp_replace(r.recipients, pattern, '', 'g')), false)
  from (
    select string_agg(pii.fold_text((e.pair -> 'value')::text), ' | ')
    from jsonb_path_query(payload, '$.** ? (@.type() == "object").keyvalue()') as e (pair)
    where e.pair ->> 'key' ~* '^(to|cc|bcc|recipients?|send[_-]?to)$' or is_mail and e.pair ->> 'key' ~* '^(guest|customer)?[_-]?(e-?mail|phone|mobile|tel|sms)([_-]?(address|number))?$'
  ) as r (recipients);
end;
comment on function pii.addresses_guest(jsonb, text, boolean) is
  'Whether a message goes to whom the pattern finds, and to nobody else. is_mail: it goes somewhere, so that an address is a recipient under other keys than to, too.';

revoke execute on function
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.word_characters(), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
  pii.is_personal(text), pii.blank(jsonb), pii.scrub(jsonb, boolean, text, text), pii.has_address(text), pii.scrub_paths(jsonb, text[]),
  pii.scrub_path(jsonb, text[]), pii.wipe(jsonb), pii.addresses_guest(jsonb, text, boolean)
from public;
grant execute on function
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.word_characters(), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
  pii.is_personal(text), pii.blank(jsonb), pii.scrub(jsonb, boolean, text, text), pii.has_address(text), pii.scrub_paths(jsonb, text[]),
  pii.scrub_path(jsonb, text[]), pii.wipe(jsonb), pii.addresses_guest(jsonb, text, boolean)
to app_background, app_pii;
--! EndIncluded pii/scrub.sql
--! Included pii/erase.sql
-- Erasure, and what a data subject may ask for. A tenant is erased by destroying its keys, which reaches every copy; one guest
-- shares them with the others, so the guest's values go.

-- What there was before went by a list of tables in these.
drop function if exists pii.scrub(jsonb);
drop function if exists pii.scrub_messages(uuid, uuid);
drop function if exists pii.erase_customer(uuid, uuid);
drop function if exists pii.erase_tenant(uuid);

create table if not exists pii.erasures (
  restaurant_id uuid not null,
  id bigint generated always as identity,
  subject text not null check (subject in ('customer', 'tenant')),
  subject_id uuid not null,
  job text not null,
  cleared jsonb not null check (jsonb_typeof(cleared) = 'object'),
  erased_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);
comment on table pii.erasures is 'What was erased and when, without what it was. Added to and never changed.';
comment on column pii.erasures.subject_id is 'The id of the guest or the tenant: it names nobody any more.';
comment on column pii.erasures.job is 'The background job that did it.';
comment on column pii.erasures.cleared is 'How many rows of what.';
select tenancy.protect('pii.erasures', 'restaurant_id');
select tenancy.append_only('pii.erasures');
-- A tenant may not put words into this book.
revoke insert on table pii.erasures from authenticated;

set role app_pii;
create or replace function pii.destroy_keys(only_tenant uuid) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  done integer;
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  -- A tenant that never had a key gets none later either.
  insert into pii.tenant_keys (restaurant_id, kid, state, destroyed_at)
  values (only_tenant, 1, 'destroyed', now())
  on conflict do nothing;
  update pii.tenant_keys as k
  set state = 'destroyed', replaces = null, destroyed_at = now(), wrapped_under = null, wrapped = null, next_wrapped_under = null, next_wrapped = null
  where k.restaurant_id = only_tenant and k.state <> 'destroyed';
  get diagnostics done = row_count;
  return done;
end
$$;
comment on function pii.destroy_keys(uuid) is
  'Destroys the data keys of a tenant: nothing of it opens any more, and it gets no new ones. Runs with the rights of app_pii; '
  'for background jobs, through pii.erase_tenant().';
revoke execute on function pii.destroy_keys(uuid) from public;
grant execute on function pii.destroy_keys(uuid) to app_background;
reset role;

-- Who is looked for. Sealed values alone tell nothing without the key, and once they are gone it is too late to look.
create or replace function pii.identity_of(
  tenant uuid, customer uuid, without_values boolean, also text[],
  out pattern text, out addresses text, out words text, out tokens text[]
)
language plpgsql
set search_path = ''
as $$
declare
  guest public.customers;
  country pg_catalog.text;
  emails pg_catalog.text[];
  phones pg_catalog.text[];
  names pg_catalog.text[];
  g record;
  found_ids pg_catalog.text[];
begin
  perform pii.require_job();
  select c.* into guest from public.customers as c where c.restaurant_id = tenant and c.id = customer;
  if guest.id is null then
    raise no_data_found using message = 'this tenant has no such customer', hint = 'Take tenant and id from the same row.';
  end if;
  select r.phone_country_code into country from public.restaurants as r where r.id = tenant;
  emails := array_remove(array[guest.email, pii.value_of(tenant, 'email', customer, guest.email, guest.email_encrypted, without_values)], null);
  phones := array_remove(array[guest.phone, pii.value_of(tenant, 'phone', customer, guest.phone, guest.phone_encrypted, without_values)], null);
  names := array[guest.full_name];
  emails := emails || array(select x from unnest(also) as x where pii.is_email(pii.fold_email(x)));
  phones := phones || array(select x from unnest(also) as x where pii.phone_pattern(x, country) is not null and x ~ '^[-+0-9 ./()]+$');
  names := names || array(select x from unnest(also) as x where not pii.is_email(pii.fold_email(x)) and x !~ '^[-+0-9 ./()]+$');

  select string_agg(distinct x.part, '|') into addresses
  from (
    select pii.email_pattern(e) from unnest(emails) as e where btrim(e) <> ''
    union all
    select pii.phone_pattern(p, country) from unnest(phones) as p
  ) as x (part) where x.part is not null;
  pattern := concat_ws('|', addresses, customer::pg_catalog.text);
  select string_agg(pii.name_words(n), '|') into words from unnest(names) as n;

  -- What the guest's rows are known by elsewhere: ids, and codes that are long enough to be nobody else's.
  tokens := array[customer::pg_catalog.text];
  for g in
    select t.relation, t.column_name, pii.tenant_column_of(t.relation::pg_catalog.regclass) as tenant_column,
      (select string_agg(format(' || array_agg(pii.fold_text(%1$I)) filter (where length(%1$I) > 5)', c.column_name), '')
       from pii.guest_columns as c where c.relation = t.relation and c.holds = 'code') as codes
    from pii.guest_columns as t
    where t.holds = 'guest' and t.column_name <> 'id' and to_regclass(t.relation) is not null
      and exists (select from pg_catalog.pg_attribute where attrelid = to_regclass(t.relation) and attname = 'id' and not attisdropped)
  loop
    execute format('select array_agg(id::pg_catalog.text)%s from %s where %I = $1 and %I = $2', coalesce(g.codes, ''), g.relation, g.tenant_column, g.column_name)
    into found_ids using tenant, customer;
    tokens := tokens || array_remove(coalesce(found_ids, '{}'), null);
  end loop;
end
$$;
comment on function pii.identity_of(uuid, uuid, boolean, text[]) is
  'What a guest is found by: a pattern for the id, address and number (addresses: without the id), words of the name, ids and codes of the guest''s rows. also: more '
  'addresses, numbers and names. P0002: nobody. PI001, PI003: the values are sealed, and the key is not there; without_values does without them.';

create or replace function pii.value_of(tenant uuid, column_name text, customer uuid, plain text, sealed bytea, without_values boolean) returns text
language plpgsql
set search_path = ''
as $$
declare
  before constant pg_catalog.text := current_setting('app.restaurant_id', true);
  value pg_catalog.text;
begin
  if plain is not null or sealed is null or without_values then
    return null;
  end if;
  -- Sealed values are opened for the tenant in the context only.
  perform set_config('app.restaurant_id', tenant::pg_catalog.text, true);
  begin
    value := pii.open(tenant, 'public.customers.' || column_name, customer, sealed);
  exception
    when sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' then
      -- It says nothing to anybody any more.
      value := null;
  end;
  perform set_config('app.restaurant_id', coalesce(before, ''), true);
  return value;
end
$$;
comment on function pii.value_of(uuid, text, uuid, text, bytea, boolean) is 'A sealed value of a guest that stands in clear nowhere else; NULL if it does, or cannot be opened by anybody. PI001, PI003.';

-- One statement a table: what is changed, what is counted beforehand and what has to be zero afterwards say the same. $1 tenant, $2 guest
-- (NULL: all), $3 pattern, $4 tokens, $5 words.
create or replace function pii.erasure_statement(relation text, whole_tenant boolean, counts boolean) returns text
language plpgsql stable
set search_path = ''
as $$
declare
  place constant pg_catalog.regclass := to_regclass(relation);
  tenant_column constant pg_catalog.name := pii.tenant_column_of(place);
  columns constant pg_catalog.name[] := array(select attname from pg_catalog.pg_attribute where attrelid = place and attnum > 0 and not attisdropped);
  linked pg_catalog.text;
  changes pg_catalog.text;
  assignments pg_catalog.text;
  payload pg_catalog.text;
  burial pg_catalog.text := 'false';
begin
  select case when whole_tenant then 'true' else coalesce(string_agg(
    case g.holds when 'guest' then format('c.%I = $2', g.column_name) else format('c.%I::pg_catalog.text = any ($4)', g.column_name) end, ' or '), 'false') end
  into linked
  from pii.guest_columns as g where g.relation = erasure_statement.relation and g.holds in ('guest', 'about');
  linked := format('coalesce(%s, false)', linked);

  with n as (
    select g.column_name, g.holds,
      case
        when g.holds = 'text' and whole_tenant then format('case when c.%I is not null then %L end', g.column_name, g.stays)
        when g.holds = 'text' then format(
          'case when c.%1$I is not null and (%2$s or pii.mentions(to_json(c.%1$I)::pg_catalog.text, $3, $4)) then %3$L else c.%1$I end', g.column_name, linked, g.stays)
        when g.holds = 'code' then format(
          'case when %2$s then %3$s else c.%1$I end', g.column_name,
          case when whole_tenant then format('c.%1$I not like ''erased-%%''', g.column_name)
            else format('pii.fold_text(c.%1$I) ~ $3 or %2$s and pii.fold_text(c.%1$I) ~ $5', g.column_name, linked) end,
          case when 'id' = any (columns) then '''erased-'' || c.id' else '''erased-'' || gen_random_uuid()' end)
        when whole_tenant then format('pii.wipe(c.%1$I::pg_catalog.jsonb)', g.column_name)
        else format(
          'case when %2$s then pii.scrub_paths(pii.scrub(c.%1$I::pg_catalog.jsonb, true, $3, $5), %3$L)
             when pii.mentions(c.%1$I::pg_catalog.jsonb::pg_catalog.text, $3, $4)
               then pii.scrub_paths(pii.scrub(c.%1$I::pg_catalog.jsonb, pii.mentions(c.%1$I::pg_catalog.jsonb::pg_catalog.text, null, $4), $3, $5), %3$L)
             else c.%1$I::pg_catalog.jsonb end', g.column_name, linked, g.paths)
      end as value,
      case when g.holds = 'json' then format('c.%I::pg_catalog.jsonb', g.column_name) else format('c.%I', g.column_name) end as old,
      case when g.holds <> 'json' then 'text' when 'pg_catalog.json'::pg_catalog.regtype in (a.atttypid, t.typbasetype) then 'json' else 'jsonb' end as type
    from pii.guest_columns as g
    join pg_catalog.pg_attribute as a on a.attrelid = place and a.attname = g.column_name and not a.attisdropped
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    where g.relation = erasure_statement.relation and g.holds in ('text', 'json', 'code')
  )
  select string_agg(format('%s is distinct from %s', n.old, n.value), ' or '), string_agg(format('%I = (%s)::pg_catalog.%I', n.column_name, n.value, n.type), ', '),
    max(n.value) filter (where n.column_name = 'payload')
  into changes, assignments, payload
  from n;
  if changes is null then
    return null;
  end if;

  -- What waits for the guest is not sent any more: mail to the guest, and whatever else goes to the guest's address.
  if payload is not null and columns @> array['status', 'finished_at', 'locked_until', 'locked_by', 'dead_reason']::pg_catalog.name[] then
    burial := format('c.status in (''pending'', ''processing'') and (%s)',
      case when whole_tenant then format('c.payload is distinct from %s', payload)
        when 'destination' = any (columns) then format(
          'case when c.destination in (''email'', ''sms'') then %s or pii.mentions(c.payload::pg_catalog.text, null, $4) or pii.addresses_guest(c.payload, $3, true)
             else pii.addresses_guest(c.payload, $3, false) end', linked)
        else 'pii.addresses_guest(c.payload, $3, false)' end);
    assignments := assignments || format(
      ', status = case when %1$s then ''dead'' else c.status end, dead_reason = case when %1$s then ''erased'' else c.dead_reason end,
         finished_at = case when %1$s then now() else c.finished_at end,
         locked_until = case when %1$s then null else c.locked_until end, locked_by = case when %1$s then null else c.locked_by end', burial);
  end if;
  changes := format('c.%I = $1 and (%s or %s)', tenant_column, changes, burial);
  if counts then
    return format('select count(*), count(*) filter (where %s) from %s as c where %s', burial, relation, changes);
  end if;
  return format('with u as (update %s as c set %s where %s returning %s as buried) select count(*), count(*) filter (where u.buried) from u',
    relation, assignments, changes, case when burial = 'false' then 'false' else 'c.dead_reason = ''erased'' and c.finished_at = now()' end);
end
$$;
comment on function pii.erasure_statement(text, boolean, boolean) is
  'What takes a guest (or all) out of a table as pii.guest_columns says, or counts what it would change: rows, and events that wait and are buried. NULL: nothing of guests is there.';

set role app_pii;
-- Records that nobody may change. By nobody but the functions of erasure, hence the rights of app_pii, to whom row security shows the tenant at hand.
create or replace function pii.erase_record(relation text, tenant uuid, customer uuid, pattern text, tokens text[], words text, out changed bigint, out buried bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  before constant text := current_setting('app.restaurant_id', true);
begin
  if coalesce(nullif(current_setting('role'), 'none'), session_user) <> 'app_background' or tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  perform set_config('app.restaurant_id', tenant::text, true);
  execute pii.erasure_statement(relation, customer is null, false) into changed, buried using tenant, customer, pattern, tokens, words;
  perform set_config('app.restaurant_id', coalesce(before, ''), true);
end
$$;
comment on function pii.erase_record(text, uuid, uuid, text, text[], text) is
  'Takes a guest out of a table that is added to and never changed, as registered. Runs with the rights of app_pii; for background jobs, through pii.erase_rows().';
revoke execute on function pii.erase_record(text, uuid, uuid, text, text[], text) from public;
grant execute on function pii.erase_record(text, uuid, uuid, text, text[], text) to app_background;
reset role;

create or replace function pii.erase_rows(tenant uuid, customer uuid, pattern text, tokens text[], words text, dry_run boolean) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  r record;
  statement pg_catalog.text;
  missing pg_catalog.text;
  changed pg_catalog.int8;
  buried pg_catalog.int8;
  still pg_catalog.int8;
  events pg_catalog.int8 := 0;
  cleared pg_catalog.jsonb := '{}';
begin
  perform pii.require_job();
  select g.relation || '.' || quote_ident(g.column_name) into missing
  from pii.guest_columns as g
  where not exists (
    select from pg_catalog.pg_attribute as a where a.attrelid = to_regclass(g.relation) and a.attname = g.column_name and a.attnum > 0 and not a.attisdropped)
  order by 1 limit 1;
  if missing is not null then
    raise sqlstate 'PI022' using
      message = format('%s is registered as one that holds data of guests, and is not there', missing),
      hint = 'If it was renamed, register its new name with pii.register_guest_column(); delete the old one from pii.guest_columns. Nothing was changed.';
  end if;
  for r in
    select g.relation, regexp_replace(g.relation, '^public\.', '') as name,
      exists (select from pg_catalog.pg_policy where polrelid = to_regclass(g.relation) and polname = 'append_only_update') as fixed
    from pii.guest_columns as g
    where to_regclass(g.relation) is not null and g.relation <> 'public.customers'
    group by g.relation
    -- After its queue comes its archive: what is being moved meanwhile is found there, or was cleared before.
    order by g.relation
  loop
    statement := pii.erasure_statement(r.relation, customer is null, true);
    continue when statement is null;
    if dry_run then
      execute statement into changed, buried using tenant, customer, pattern, tokens, words;
    else
      if r.fixed then
        select e.changed, e.buried into changed, buried from pii.erase_record(r.relation, tenant, customer, pattern, tokens, words) as e;
      else
        execute pii.erasure_statement(r.relation, customer is null, false) into changed, buried using tenant, customer, pattern, tokens, words;
      end if;
      -- Row security that hides a row from an UPDATE says so to nobody.
      execute statement into still using tenant, customer, pattern, tokens, words;
      if still > 0 then
        raise sqlstate 'PI022' using
          message = format('%s rows of %s could not be cleared', still, r.relation),
          hint = 'A policy or a trigger keeps erasure out of the table: see the policies of app_background and app_pii on it. Nothing was changed.';
      end if;
    end if;
    events := events + buried;
    if changed > 0 then
      cleared := cleared || jsonb_build_object(r.name, changed);
    end if;
  end loop;
  return cleared || case when events > 0 then jsonb_build_object('buried', events) else '{}' end;
end
$$;
comment on function pii.erase_rows(uuid, uuid, text, text[], text, boolean) is
  'Goes through the tables of pii.guest_columns, but public.customers, and takes a guest (NULL: all) out. Rows changed of each, and how many events that waited are '
  'dead (buried). dry_run: counts only. PI022 if something is left.';

create or replace function pii.erase_customer(tenant uuid, customer uuid, without_values boolean default false, dry_run boolean default false) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  who record;
  cleared pg_catalog.jsonb;
  guests pg_catalog.int4;
  remarks pg_catalog.int4 := 0;
begin
  perform pii.require_job();
  if not dry_run then
    perform from public.customers as c where c.restaurant_id = tenant and c.id = customer for no key update;
  end if;
  select * into who from pii.identity_of(tenant, customer, without_values, '{}');
  cleared := pii.erase_rows(tenant, customer, who.pattern, who.tokens, who.words, dry_run);
  -- What other guests' rows say about this one.
  select count(*) into remarks from public.customers as c
  where c.restaurant_id = tenant and c.id <> customer and c.notes is not null and pii.mentions(to_json(c.notes)::pg_catalog.text, who.pattern, who.tokens);
  select count(*) into guests from public.customers as c
  where c.restaurant_id = tenant and c.id = customer
    and (c.full_name <> '[erased]' or num_nonnulls(c.email, c.phone, c.email_encrypted, c.phone_encrypted, c.notes) > 0 or c.accepts_marketing);
  cleared := jsonb_build_object('customers', guests + remarks) || cleared;
  if dry_run then
    return cleared;
  end if;
  if remarks > 0 then
    update public.customers as c set notes = null
    where c.restaurant_id = tenant and c.id <> customer and c.notes is not null and pii.mentions(to_json(c.notes)::pg_catalog.text, who.pattern, who.tokens);
  end if;
  update public.customers as c
  set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
  where c.restaurant_id = tenant and c.id = customer and guests > 0;
  insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'customer', customer, tenancy.current_job(), cleared);
  return cleared;
end
$$;
comment on function pii.erase_customer(uuid, uuid, boolean, boolean) is
  'Erases one guest: values, masks, indexes, name and notes; what names the guest in the columns of pii.guest_columns; messages to the guest that wait are dead. '
  'Bookings remain, of nobody. Rows changed, by table. Leaves a row in pii.erasures. Needs app.pii.key where the address stands in clear no more (PI001), since it is looked for '
  'elsewhere before it goes: without_values does without. dry_run: says what would go, and changes nothing. For background jobs.';

create or replace function pii.erase_tenant(tenant uuid, dry_run boolean default false) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  cleared pg_catalog.jsonb;
  keys pg_catalog.int4;
  guests pg_catalog.int4;
begin
  perform pii.require_job();
  if not exists (select from public.restaurants as r where r.id = tenant) then
    raise no_data_found using message = 'there is no such restaurant';
  end if;
  if dry_run then
    select count(*) into keys from pii.key_status() as k where k.restaurant_id = tenant and k.state <> 'destroyed';
    select count(*) into guests from public.customers as c where c.restaurant_id = tenant;
  else
    keys := pii.destroy_keys(tenant);
    update public.customers as c
    set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
    where c.restaurant_id = tenant;
    get diagnostics guests = row_count;
  end if;
  cleared := jsonb_build_object('keys', keys, 'customers', guests) || pii.erase_rows(tenant, null, null, '{}', null, dry_run);
  if not dry_run then
    insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'tenant', tenant, tenancy.current_job(), cleared);
  end if;
  return cleared;
end
$$;
comment on function pii.erase_tenant(uuid, boolean) is
  'Erases all guests of a tenant: destroys its keys, so that copies do not open either, clears the rows, and takes every word out of the columns of pii.guest_columns; events that lose '
  'something so are not sent. Leaves a row in pii.erasures. Needs no key. dry_run: says what would go. For background jobs.';

create or replace function pii.export_customer(tenant uuid, customer uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  before constant pg_catalog.text := current_setting('app.restaurant_id', true);
  export pg_catalog.jsonb;
begin
  perform pii.require_job();
  -- Sealed values are opened for the tenant in the context only.
  perform public.set_restaurant_context(tenant);
  select jsonb_build_object(
    'customer', jsonb_build_object(
      'restaurant_id', c.restaurant_id, 'id', c.id, 'full_name', c.full_name,
      'email', coalesce(pii.open(c.restaurant_id, 'public.customers.email', c.id, c.email_encrypted), c.email),
      'phone', coalesce(pii.open(c.restaurant_id, 'public.customers.phone', c.id, c.phone_encrypted), c.phone),
      'notes', c.notes, 'accepts_marketing', c.accepts_marketing, 'created_at', c.created_at, 'updated_at', c.updated_at),
    'bookings', coalesce((
      select jsonb_agg(to_jsonb(b) - 'restaurant_id' order by b.starts_at)
      from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer), '[]'),
    'messages', coalesce((
      select jsonb_agg(jsonb_build_object('destination', o.destination, 'event_type', o.event_type, 'payload', o.payload, 'status', o.status, 'created_at', o.created_at) order by o.id)
      from public.outbox as o
      where o.restaurant_id = tenant
        and (o.aggregate_id = customer
          or o.aggregate_id in (select b.id from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer)
          or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0)), '[]'),
    'exported_at', now())
  into export
  from public.customers as c
  where c.restaurant_id = tenant and c.id = customer;
  perform set_config('app.restaurant_id', coalesce(before, ''), true);
  if export is null then
    raise no_data_found using message = 'this tenant has no such customer', hint = 'Take tenant and id from the same row.';
  end if;
  return export;
end
$$;
comment on function pii.export_customer(uuid, uuid) is
  'Everything that is stored about one guest, in clear, for a data subject''s request. Needs app.pii.key. For background jobs.';

revoke execute on function
  pii.identity_of(uuid, uuid, boolean, text[]), pii.value_of(uuid, text, uuid, text, bytea, boolean), pii.erasure_statement(text, boolean, boolean),
  pii.erase_rows(uuid, uuid, text, text[], text, boolean), pii.erase_customer(uuid, uuid, boolean, boolean), pii.erase_tenant(uuid, boolean),
  pii.export_customer(uuid, uuid)
from public;
grant execute on function
  pii.identity_of(uuid, uuid, boolean, text[]), pii.value_of(uuid, text, uuid, text, bytea, boolean), pii.erasure_statement(text, boolean, boolean),
  pii.erase_rows(uuid, uuid, text, text[], text, boolean), pii.erase_customer(uuid, uuid, boolean, boolean), pii.erase_tenant(uuid, boolean),
  pii.export_customer(uuid, uuid)
to app_background;
grant execute on function pii.erasure_statement(text, boolean, boolean) to app_pii;
--! EndIncluded pii/erase.sql
--! Included pii/find.sql
-- Where anything of a guest is left, whether a column is registered or not: the proof that an erasure was one, and the way to columns
-- that somebody forgot.

create or replace function pii.find_customer(tenant uuid, customer uuid, also text[] default '{}', without_values boolean default false)
returns table (relation text, column_name name, found bigint, holds text)
language plpgsql volatile
set search_path = ''
as $$
declare
  who record;
  names pg_catalog.text;
  counts pg_catalog.int8[];
  t record;
begin
  perform pii.require_job();
  select * into who from pii.identity_of(tenant, customer, without_values, also);
  select string_agg(pii.name_pattern(n.name), '|') into names
  from (
    select c.full_name from public.customers as c where c.restaurant_id = tenant and c.id = customer
    union all
    select x from unnest(also) as x where not pii.is_email(pii.fold_email(x)) and x !~ '^[-+0-9 ./()]+$'
  ) as n (name);
  for t in
    select pii.name_of(c.oid::pg_catalog.regclass) as relation, pii.tenant_column_of(c.oid::pg_catalog.regclass) as tenant_column,
      array_agg(a.attname order by a.attnum) as columns,
      string_agg(format('count(*) filter (where pii.fold_text(c.%1$I::pg_catalog.text) ~ $2)', a.attname), ', ' order by a.attnum) as counters
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as y on y.oid = a.atttypid and coalesce(nullif(y.typbasetype, 0), y.oid) in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.json'::pg_catalog.regtype,
        'pg_catalog.jsonb'::pg_catalog.regtype, 'pg_catalog.text[]'::pg_catalog.regtype)
    where c.relkind in ('r', 'p') and not c.relispartition and exists (select from pg_catalog.pg_policy where polrelid = c.oid and polname = 'tenant_floor')
      and has_column_privilege('app_background', c.oid, a.attnum, 'SELECT')
    group by c.oid
    order by 1
  loop
    execute format('select array[%s] from %s as c where c.%I = $1', t.counters, t.relation, t.tenant_column)
    into counts using tenant, nullif(concat_ws('|', who.addresses, names), '');
    return query
    select t.relation, x.column_name, x.found, coalesce(g.holds, case when p.relation is not null then 'sealed' end)
    from unnest(t.columns, counts) as x (column_name, found)
    left join pii.guest_columns as g on g.relation = t.relation and g.column_name = x.column_name
    left join pii.protected_columns as p on p.relation = t.relation and x.column_name = any (p.plain_columns || p.column_name)
    where x.found > 0;
  end loop;
end
$$;
comment on function pii.find_customer(uuid, uuid, text[], boolean) is
  'Where a guest''s address, number or whole name stands in the tenant''s rows: table, column, rows, and what is registered of the column (NULL: nothing, so that erasure passes it by). '
  'A name may be another guest''s too. also: what to look for besides, such as the address of a guest who has been erased. PI001: the values are sealed, and the key is not there. For background jobs.';
revoke execute on function pii.find_customer(uuid, uuid, text[], boolean) from public;
grant execute on function pii.find_customer(uuid, uuid, text[], boolean) to app_background;
--! EndIncluded pii/find.sql
--! Included pii/platform-guests.sql
-- What the reference platform keeps of guests besides the protected columns. A new JSON column belongs here too: check H1005. The keys of holds are not
-- here, since a trigger keeps them: pii.find_customer() tells whether a client has put an address into one.
select pii.register_guest_column(c.relation::pg_catalog.regclass, c.column_name::pg_catalog.name, c.holds, '{}', c.stays, c.reason)
from (values
  ('public.customers', 'id', 'guest', null, null),
  ('public.customers', 'full_name', 'text', '[erased]', null),
  ('public.customers', 'notes', 'text', null, null),
  ('public.bookings', 'customer_id', 'guest', null, null),
  ('public.bookings', 'reference', 'code', null, null),
  ('public.bookings', 'idempotency_key', 'code', null, null),
  ('public.bookings', 'notes', 'text', null, null),
  ('public.outbox', 'aggregate_id', 'about', null, null),
  ('public.outbox', 'payload', 'json', null, null),
  ('public.outbox', 'last_error', 'text', null, null),
  ('public.outbox', 'dedupe_key', 'code', null, null),
  ('public.outbox', 'idempotency_key', 'code', null, null),
  ('public.capacity_outbox', 'payload', 'json', null, null),
  ('public.capacity_outbox', 'last_error', 'text', null, null),
  ('public.capacity_outbox', 'dedupe_key', 'code', null, null),
  ('public.capacity_outbox', 'idempotency_key', 'code', null, null),
  ('public.capacity_outbox_archive', 'payload', 'json', null, null),
  ('public.capacity_outbox_archive', 'dedupe_key', 'code', null, null),
  ('public.capacity_outbox_archive', 'idempotency_key', 'code', null, null),
  ('public.analytics_events', 'properties', 'json', null, null),
  ('public.analytics_events', 'session_id', 'code', null, null),
  ('public.observability_events', 'context', 'json', null, null),
  ('public.feature_flags', 'settings', 'nothing', null, 'settings of features, by staff'),
  ('public.confirmations', 'answer', 'nothing', null, 'ids of tables, bookings and events, by confirm_hold_assignment_tx()'),
  ('pii.erasures', 'cleared', 'nothing', null, 'numbers of rows, by erasure')
) as c (relation, column_name, holds, stays, reason);
--! EndIncluded pii/platform-guests.sql
