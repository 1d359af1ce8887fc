-- Same names, signatures, volatility and answers as Neon's pg_session_jwt 0.3.1 where no key is set, which is
-- where claims come unsigned from request.jwt.claims. Signed tokens are refused, not believed.
--
-- The two readers have SQL-standard bodies: those are bound to what they call at creation, like C functions,
-- and so need no USAGE on schema auth when a policy calls them.

create schema auth;
comment on schema auth is 'Who the session says it is (pg_session_jwt)';

create function auth.refuse_signed_mode() returns jsonb
  language plpgsql stable parallel safe
  set search_path = ''
as $$
begin
  raise exception using
    errcode = '0A000',
    message = 'signed tokens (pg_session_jwt.jwk) are not supported on a local branch',
    hint = 'Leave pg_session_jwt.jwk unset and put the claims into request.jwt.claims.';
end
$$;
comment on function auth.refuse_signed_mode() is
  'Raises 0A000: verifying a signature cannot be written in SQL, and unverified claims must not pass for verified ones';

create function auth.session() returns jsonb
  language sql stable strict parallel safe
return case
  when coalesce(pg_catalog.current_setting('pg_session_jwt.jwk', true), '') operator(pg_catalog.<>) ''
    then auth.refuse_signed_mode()
  when pg_catalog.pg_input_is_valid(pg_catalog.current_setting('request.jwt.claims', true), 'pg_catalog.jsonb')
    then cast(pg_catalog.current_setting('request.jwt.claims', true) as pg_catalog.jsonb)
  else cast('null' as pg_catalog.jsonb)
end;
comment on function auth.session() is
  'The claims of request.jwt.claims, whatever JSON they are; JSON null, never SQL NULL, if there are none or they are '
  'no JSON';

create function auth.user_id() returns text
  language sql stable strict parallel safe
return case pg_catalog.jsonb_typeof(auth.session() operator(pg_catalog.->) 'sub')
  when 'string' then auth.session() operator(pg_catalog.->>) 'sub'
end;
comment on function auth.user_id() is 'The claim "sub" if it is a JSON string, else SQL NULL';

create function auth.init() returns void
  language plpgsql volatile strict parallel unsafe
  set search_path = ''
as $$
begin
  if coalesce(pg_catalog.current_setting('pg_session_jwt.jwk', true), '') <> '' then
    perform auth.refuse_signed_mode();
  end if;
  raise exception using
    errcode = '02000',
    message = 'Missing runtime parameter: pg_session_jwt.jwk';
end
$$;
comment on function auth.init() is 'Loads the key of signed mode; without one it raises 02000, as on Neon';

create function auth.jwt_session_init(jwt text) returns void
  language sql volatile strict parallel unsafe
return auth.init();
comment
  on function auth.jwt_session_init(text)
     is 'Starts a session with a signed token; without a key it raises 02000, as on Neon';
