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
  done := done + more;
  -- After the queue: what is being moved meanwhile is found here, or was scrubbed before.
  update public.capacity_outbox_archive as o
  set payload = pii.scrub(o.payload)
  where o.restaurant_id = tenant and (customer is null or position(customer::pg_catalog.text in o.payload::pg_catalog.text) > 0);
  get diagnostics more = row_count;
  return done + more;
end
$$;
comment on function pii.scrub_messages(uuid, uuid) is
  'Takes what names the guest (NULL: anybody) out of the payloads of the outboxes and of the archive; messages to the guest that wait '
  'are not sent.';

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
