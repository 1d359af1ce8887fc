--! Previous: sha1:daccb857bad2cd898d5284fe835d6a0b06fbb5df
--! Hash: sha1:9cdbf9ee714d403920c0ade1a87952ece9813054
--! Message: PII protection

-- PII protection: what seals, opens, masks, finds, rotates and erases, and the customers' e-mail addresses and phone numbers
-- put under it. The table is left in phase expand: rows that are there can only be sealed with a key, which no migration has.

-- Trusted, so that the owner of the database may create it; where the platform has it elsewhere it stays there.
create extension if not exists pgcrypto with schema extensions;

--! Included tenancy/protect.sql
-- All that isolates a table, in one call that may be repeated. After adding a partition it has to be: a partition
-- addressed by its own name does not have the row security of its parent.
create or replace function tenancy.protect(target regclass, tenant_column name) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  child record;
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

  -- Children are open through their parent only: they have no privileges, and row security without a policy in case
  -- somebody grants some.
  for child in
    with recursive tree as (
      select inhrelid from pg_catalog.pg_inherits where inhparent = target
      union
      select i.inhrelid from pg_catalog.pg_inherits as i join tree on i.inhparent = tree.inhrelid
    )
    select c.oid::pg_catalog.regclass as name, c.relkind in ('r', 'p') as has_row_security
    from tree join pg_catalog.pg_class as c on c.oid = tree.inhrelid
  loop
    execute format('revoke all on table %s from public, authenticated, anonymous, app_background', child.name);
    if child.has_row_security then
      execute format('alter table %s enable row level security, force row level security', child.name);
    end if;
  end loop;
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

-- No tenant, no job, nobody but the functions of app_pii. Row security says so too, for the day somebody grants more.
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

-- Before a row is refused by row security its trigger has run: it must not tell what state another tenant's keys are in.
create or replace function pii.assert_own(tenant uuid) returns void
language plpgsql stable
as $$
begin
  if tenancy.current_job() is null and tenant is distinct from public.current_restaurant_id() then
    raise insufficient_privilege using message = 'this belongs to another tenant than this transaction';
  end if;
end
$$;
comment on function pii.assert_own(uuid) is 'Refuses another tenant than the one in the context. A job may go on: row security has the last word.';

create or replace function pii.unwrap(tenant uuid, kid smallint, wrapped bytea, key bytea) returns bytea
language plpgsql stable
as $$
declare
  header constant bytea := '\x01'::bytea || uuid_send(tenant) || int2send(kid);
begin
  if wrapped is null or octet_length(wrapped) <> 144
    or substr(wrapped, 113) <> pii.hmac_sha256('pii wrap mac'::bytea || header || substr(wrapped, 1, 112), key)
  then
    perform pii.assert_own(tenant);
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
    perform pii.assert_own(tenant);
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
  -- Of two that come at once the second waits for the first, and then finds its key.
  insert into pii.tenant_keys (restaurant_id, kid, state, wrapped_under, wrapped)
  values (tenant, 1, 'active', pii.wrapping_id(key), pii.wrap(tenant, 1::smallint, pii.random_bytes(96), key))
  on conflict do nothing;
end
$$;
comment on function pii.create_key(uuid, bytea) is 'The first data key of a tenant. Not for one that has had keys: PI006.';

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
  'encryption, authentication and index. Makes a tenant''s first key.';

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
  pii.key_in(text), pii.wrapping_id(bytea), pii.assert_own(uuid), pii.wrap(uuid, smallint, bytea, bytea), pii.unwrap(uuid, smallint, bytea, bytea),
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
comment on column pii.protected_tables.relation is 'schema.table. Part of what values are authenticated with: a table that is renamed keeps its name here.';
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

create or replace function pii.registered(relation regclass) returns pii.protected_tables
language plpgsql stable
set search_path = ''
as $$
declare
  found_table pii.protected_tables;
begin
  select * into found_table from pii.protected_tables as t where t.relation = pii.name_of(registered.relation);
  if found_table.relation is null then
    raise undefined_object using
      message = format('%s has no protected columns', coalesce(relation::pg_catalog.text, 'NULL')), hint = 'See pii.protect().';
  end if;
  return found_table;
end
$$;
comment on function pii.registered(regclass) is 'What is registered of a protected table; an error if it is none.';

create or replace function pii.phase(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select (pii.registered(relation)).phase $$;
comment on function pii.phase(regclass) is 'How far the roll-out of the table has come: see pii.protected_tables.phase.';

revoke execute on function pii.name_of(regclass), pii.registered(regclass), pii.phase(regclass) from public;
grant execute on function pii.name_of(regclass), pii.registered(regclass), pii.phase(regclass) to app_pii, app_background;
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

    inserts := inserts || format(
      $sql$
    if %2$s is not null then
      if btrim(%2$s) = '' then
        %2$s := null;
      else
        seal_%3$s := true;
      end if;
    end if;
    if %1$s > 0 then
      %4$s
    end if;$sql$, format('num_nonnulls(%s)', concat_ws(', ', f.sealed, f.masked, case when f.searchable then f.search || ', ' || f.alt end)), f.val, n, clear);

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
  execute format(
    'create or replace function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as %L',
    function_name, source);
  execute format('comment on function %s() is %L', function_name,
    format('Seals the protected columns of %s. Runs with the rights of app_pii, which alone reads keys. Made by pii.build_trigger().', target.relation));
  execute format('revoke execute on function %s() from public', function_name);
  -- Whoever makes a trigger has to be allowed to execute its function; nobody needs to be when it fires.
  execute format('grant execute on function %s() to %I', function_name, me);
  perform set_config('role', who, true);

  -- In the order of their names: derived columns are put right first, then what was assigned is sealed, then plaintext goes.
  execute format('drop trigger if exists pii_1_seal on %s', target.relation);
  execute format('create trigger pii_1_seal before insert on %s for each row execute function %s()', target.relation, function_name);
  execute format('drop trigger if exists pii_1_reseal on %s', target.relation);
  execute format('create trigger pii_1_reseal before update of %s on %s for each row execute function %s(''*'')', derived, target.relation, function_name);
  foreach x in array columns loop
    execute format('drop trigger if exists %I on %s', 'pii_2_seal_' || x, target.relation);
    execute format('create trigger %I before update of %I on %s for each row execute function %s(%L)', 'pii_2_seal_' || x, x, target.relation, function_name, x);
  end loop;
  execute format('drop trigger if exists pii_3_keep_identity on %s', target.relation);
  execute format(
    'create trigger pii_3_keep_identity before update of %1$I, %2$I on %3$s for each row
       when ((%4$s) and (old.%1$I <> new.%1$I or old.%2$I <> new.%2$I)) execute function pii.keep_identity()',
    target.tenant_column, target.id_column, target.relation, sealed);
  execute format('drop trigger if exists pii_4_drop_plaintext on %s', target.relation);
  if not keeps then
    execute format(
      'create trigger pii_4_drop_plaintext before update on %s for each row when (%s) execute function %s(''-'')',
      target.relation, plain, function_name);
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
  f record;
begin
  perform pii.assert_sealable(relation, tenant_column, id_column, columns);
  insert into pii.protected_tables as t (relation, tenant_column, id_column)
  values (target, tenant_column, id_column)
  on conflict on constraint protected_tables_pkey do nothing;

  for f in
    select c.key as plain, c.value ->> 'kind' as kind,
      array(select jsonb_array_elements_text(coalesce(c.value -> 'derived', '[]')))::pg_catalog.name[] as derived
    from jsonb_each(columns) as c
  loop
    insert into pii.protected_columns as p (relation, column_name, kind, plain_columns)
    values (target, f.plain, f.kind, f.derived)
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
    t.relation, t.tenant_column, c.column_name || s.suffix, c.column_name || s.suffix)
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
    target.relation, target.tenant_column, target.id_column, needed,
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
  statement := format('update %s as c set %s where c.ctid = any ($1)', target.relation, assignments);
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
    target.relation, target.tenant_column, target.id_column,
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
      target.relation, target.tenant_column, target.id_column, p.column_name || '_encrypted', p.place, p.column_name);
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
      target.relation, target.tenant_column, target.id_column, p.column_name, p.kind, p.column_name || '_encrypted',
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
        target.relation, c.sealed_check, c.column_name, c.encrypted);
      execute format('comment on constraint %I on %s is %L', c.sealed_check, target.relation, 'No value stands in clear alone.');
    elsif here = 2 and there = 3 then
      execute format('alter table %s validate constraint %I', target.relation, c.sealed_check);
    elsif here = 2 then
      execute format('alter table %s drop constraint %I', target.relation, c.sealed_check);
    elsif here = 4 and there = 5 then
      execute format('alter table %s add constraint %I check (%I is null) not valid', target.relation, c.clear_check, c.column_name);
      execute format('comment on constraint %I on %s is %L', c.clear_check, target.relation, 'No value stands in clear.');
    elsif here = 5 then
      execute format('alter table %s validate constraint %I', target.relation, c.clear_check);
      execute coalesce(
        (select string_agg(format('alter table %s drop column if exists %I', target.relation, d.name), ';') from unnest(c.plain_columns) as d (name)),
        'select');
    end if;
  end loop;

  if here = 3 and there = 4 then
    execute format('revoke select on %s from public, authenticated, anonymous', target.relation);
    execute format('grant select (%I, %I) on %s to authenticated', target.tenant_column, target.id_column, target.relation);
  elsif here = 4 and there = 3 then
    execute format('grant select on %s to authenticated', target.relation);
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
  if next_key = key then
    raise sqlstate 'PI021' using message = 'app.pii.next_key is app.pii.key', hint = 'Leave it unset to rotate the data keys only.';
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
  if next_key = key then
    raise sqlstate 'PI021' using message = 'app.pii.next_key is app.pii.key', hint = 'It has to be the key that comes.';
  end if;
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
  wrapping constant bytea := pii.wrapping_id(pii.key_in('app.pii.key'));
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
  wrapping constant bytea := pii.wrapping_id(pii.key_in('app.pii.key'));
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
  pii.begin_rotation(uuid), pii.rewrap(), pii.finish_rewrap(), pii.rotating(), pii.keys_left_behind(), pii.lock_keys(uuid), pii.destroy_replaced_key(uuid), pii.key_status()
from public;
grant execute on function
  pii.begin_rotation(uuid), pii.rewrap(), pii.finish_rewrap(), pii.rotating(), pii.keys_left_behind(), pii.lock_keys(uuid), pii.destroy_replaced_key(uuid), pii.key_status()
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
      select p.relation, p.tenant_column,
        string_agg(format('(c.%1$I is not null and pii.kid_of(c.%1$I) <> $2)', c.column_name || '_encrypted'), ' or ') as stale
      from pii.protected_tables as p join pii.protected_columns as c on c.relation = p.relation
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
--! Included pii/erase.sql
-- Erasure, and what a data subject may ask for. A tenant is erased by destroying its keys, which reaches every copy; one guest
-- shares them with the others, so the guest's values go.

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

create or replace function pii.scrub(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (
      select coalesce(jsonb_object_agg(e.key,
        case when e.key ~* '(name|e-?mail|phone|mobile|recipient|address|contact|notes?|message|body|text|subject|guest|customer)$|^(to|cc|bcc|tel|sms)$'
            and jsonb_typeof(e.value) = 'string' and tenancy.uuid_or_null(e.value #>> '{}') is null
          then '"[erased]"' else pii.scrub(e.value) end), '{}')
      from jsonb_each(value) as e
    )
    when 'array' then (select coalesce(jsonb_agg(pii.scrub(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    when 'string' then case when value #>> '{}' ~ '[^@\s]@[^@\s]|^\s*\+[0-9][-0-9 ./()]{6,}$' then '"[erased]"' else value end
    else value
  end;
end
$$;
comment on function pii.scrub(jsonb) is
  'A payload without what names a person: strings under keys such as email, phone or name, and whatever looks like an address or a number. Ids stay.';

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

create or replace function pii.scrub_messages(tenant uuid, customer uuid) returns integer
language plpgsql volatile
set search_path = ''
as $$
declare
  done pg_catalog.int4;
  more pg_catalog.int4;
begin
  update public.outbox as o
  set payload = pii.scrub(o.payload),
    last_error = null,
    -- What was to be sent to the guest is not sent any more.
    status = case when o.destination in ('email', 'sms') and o.status in ('pending', 'processing') then 'dead' else o.status end,
    finished_at = case when o.destination in ('email', 'sms') and o.status in ('pending', 'processing') then now() else o.finished_at end
  where o.restaurant_id = tenant
    and (
      customer is null or o.aggregate_id = customer
      or o.aggregate_id in (select b.id from public.bookings as b where b.restaurant_id = tenant and b.customer_id = customer)
      or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0
    );
  get diagnostics done = row_count;
  update public.capacity_outbox as o
  set payload = pii.scrub(o.payload), last_error = null
  where o.restaurant_id = tenant and (customer is null or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0);
  get diagnostics more = row_count;
  return done + more;
end
$$;
comment on function pii.scrub_messages(uuid, uuid) is
  'Takes what names the guest (NULL: anybody) out of the payloads of the outboxes; messages to the guest that wait are not sent.';

create or replace function pii.erase_customer(tenant uuid, customer uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  cleared pg_catalog.jsonb;
  messages pg_catalog.int4;
  visits pg_catalog.int4;
begin
  perform pii.require_job();
  -- Before the row is cleared, since it is found by the guest's bookings.
  messages := pii.scrub_messages(tenant, customer);
  update public.bookings as b set notes = null where b.restaurant_id = tenant and b.customer_id = customer and b.notes is not null;
  get diagnostics visits = row_count;
  update public.customers as c
  set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
  where c.restaurant_id = tenant and c.id = customer;
  if not found then
    raise no_data_found using message = 'this tenant has no such customer', hint = 'Take tenant and id from the same row.';
  end if;
  cleared := jsonb_build_object('customers', 1, 'bookings', visits, 'messages', messages);
  insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'customer', customer, tenancy.current_job(), cleared);
  return cleared;
end
$$;
comment on function pii.erase_customer(uuid, uuid) is
  'Erases one guest: values, masks, indexes, name and notes, notes of the bookings, what names the guest in the outboxes; '
  'bookings remain, of nobody. Leaves a row in pii.erasures. Needs no key. For background jobs.';

create or replace function pii.erase_tenant(tenant uuid) returns jsonb
language plpgsql volatile
set search_path = ''
as $$
declare
  cleared pg_catalog.jsonb;
  keys pg_catalog.int4;
  guests pg_catalog.int4;
  visits pg_catalog.int4;
  messages pg_catalog.int4;
begin
  perform pii.require_job();
  if not exists (select from public.restaurants as r where r.id = tenant) then
    raise no_data_found using message = 'there is no such restaurant';
  end if;
  keys := pii.destroy_keys(tenant);
  update public.customers as c
  set full_name = '[erased]', email = null, phone = null, notes = null, accepts_marketing = false, updated_at = now()
  where c.restaurant_id = tenant;
  get diagnostics guests = row_count;
  update public.bookings as b set notes = null where b.restaurant_id = tenant and b.notes is not null;
  get diagnostics visits = row_count;
  messages := pii.scrub_messages(tenant, null);
  cleared := jsonb_build_object('keys', keys, 'customers', guests, 'bookings', visits, 'messages', messages);
  insert into pii.erasures (restaurant_id, subject, subject_id, job, cleared) values (tenant, 'tenant', tenant, tenancy.current_job(), cleared);
  return cleared;
end
$$;
comment on function pii.erase_tenant(uuid) is
  'Erases all guests of a tenant: destroys its keys, so that copies do not open either, and clears the rows. Leaves a row in '
  'pii.erasures. Needs no key. For background jobs.';

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
  pii.scrub(jsonb), pii.scrub_messages(uuid, uuid), pii.erase_customer(uuid, uuid), pii.erase_tenant(uuid), pii.export_customer(uuid, uuid)
from public;
grant execute on function
  pii.scrub(jsonb), pii.scrub_messages(uuid, uuid), pii.erase_customer(uuid, uuid), pii.erase_tenant(uuid), pii.export_customer(uuid, uuid)
to app_background;
--! EndIncluded pii/erase.sql
