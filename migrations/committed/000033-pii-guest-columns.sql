--! Previous: sha1:ee8e25075092f741a371b117e687d2c89d76cf50
--! Hash: sha1:017412bb3d275186a2d91f42d63e13c5ca912cf7
--! Message: pii: every column that holds data of guests

-- Erasure goes by a registry of columns instead of a list of tables.
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

create or replace function pii.name_words(value text) returns text
language sql immutable parallel safe
begin atomic
  select string_agg(distinct w.word, '|')
  from regexp_split_to_table(pii.fold_text(value), '[^[:alnum:]]+') as w (word)
  where value <> '[erased]' and (length(w.word) > 2 or w.word collate "C" !~ '^[ -~]*$' and w.word <> '');
end;
comment on function pii.name_words(text) is 'The parts of a name as alternatives of a pattern: those of three letters, or of other scripts. NULL: none.';

create or replace function pii.name_pattern(value text) returns text
language sql immutable parallel safe
begin atomic
  select '(?<![[:alnum:]])' || string_agg(w.word, '[^[:alnum:]"]+' order by w.n) || '(?![[:alnum:]])'
  from regexp_split_to_table(pii.fold_text(value), '[^[:alnum:]]+') with ordinality as w (word, n)
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
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
  pii.is_personal(text), pii.blank(jsonb), pii.scrub(jsonb, boolean, text, text), pii.has_address(text), pii.scrub_paths(jsonb, text[]),
  pii.scrub_path(jsonb, text[]), pii.wipe(jsonb), pii.addresses_guest(jsonb, text, boolean)
from public;
grant execute on function
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
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
