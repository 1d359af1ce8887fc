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
