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
