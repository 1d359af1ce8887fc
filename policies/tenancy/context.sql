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
