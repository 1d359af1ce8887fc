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
