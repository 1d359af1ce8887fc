-- Two restaurants, and ways to do something as somebody with a key. Statements are kept, unless they fail.
create function pg_temp.become(as_role text, tenant text, key text) returns void
language plpgsql
as $$
begin
  perform set_config('app.restaurant_id', coalesce(tenant, ''), true);
  perform set_config('request.jwt.claims', coalesce('{"activeRestaurantId": "' || tenant || '"}', ''), true);
  perform set_config('app.job', case as_role when 'app_background' then 'pgtap' else '' end, true);
  perform set_config('app.pii.key', coalesce(key, ''), true);
  perform set_config('role', as_role, true);
end
$$;

-- The first column of the first row, or '(no rows)'; of a command the number of rows; or the SQLSTATE that it ends
-- with.
create function pg_temp.outcome(as_role text, tenant text, key text, statement text) returns text
language plpgsql
as $$
declare
  answer text;
  reached bigint;
begin
  perform pg_temp.become(as_role, tenant, key);
  if statement ~* '^\s*(select|with|explain)|\sreturning\s' then
    execute statement into answer;
    get diagnostics reached = row_count;
    answer := case when reached = 0 then '(no rows)' else answer end;
  else
    execute statement;
    get diagnostics reached = row_count;
    answer := reached;
  end if;
  perform set_config('role', 'none', true);
  return answer;
exception
  when others then
    perform set_config('role', 'none', true);
    return sqlstate;
end
$$;

-- All that the client and the log get to read when it fails.
create function pg_temp.complaint(as_role text, tenant text, key text, statement text) returns text
language plpgsql
as $$
declare
  m text; d text; h text; c text; col text; tab text;
begin
  perform pg_temp.become(as_role, tenant, key);
  execute statement;
  perform set_config('role', 'none', true);
  return null;
exception
  when others then
    perform set_config('role', 'none', true);
    get stacked diagnostics m = message_text, d = pg_exception_detail, h = pg_exception_hint, c = pg_exception_context,
      col = column_name, tab = table_name;
    -- The last lines of the context quote the statement of this test.
    return concat_ws(' | ', m, d, h, regexp_replace(c, 'SQL statement ".*', ''), col, tab);
end
$$;

create function pg_temp.a() returns text language sql return 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
create function pg_temp.b() returns text language sql return 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
create function pg_temp.ada() returns text language sql return '11111111-1111-4111-8111-111111111111';
create function pg_temp.key() returns text language sql return repeat('ab', 32);
create function pg_temp.other_key() returns text language sql return repeat('cd', 32);

select pg_temp.become('app_background', null, pg_temp.key());
insert into public.restaurants (id, name, time_zone, currency, phone_country_code)
values (pg_temp.a()::uuid, 'Mine', 'UTC', 'EUR', '39'), (pg_temp.b()::uuid, 'Other', 'UTC', 'EUR', null);
reset role;
