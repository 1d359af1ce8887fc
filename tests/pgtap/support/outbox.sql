-- Two restaurants, ways to do something as a tenant or as a job, and the events of capacity_outbox as a job sees them.
-- Statements are kept, unless they fail. Needs nothing of what the tests are about but row security itself.
create function pg_temp.become(as_role text, tenant text) returns void
language plpgsql
as $$
begin
  perform set_config('app.restaurant_id', coalesce(tenant, ''), true);
  perform set_config('request.jwt.claims', coalesce('{"activeRestaurantId": "' || tenant || '"}', ''), true);
  perform set_config('app.job', case as_role when 'app_background' then 'pgtap' else '' end, true);
  perform set_config('role', as_role, true);
end
$$;

-- The first column of the first row, or '(no rows)'; of a command the number of rows; or the SQLSTATE that it ends
-- with.
create function pg_temp.outcome(as_role text, tenant text, statement text) returns text
language plpgsql
as $$
declare
  answer text;
  reached bigint;
begin
  perform pg_temp.become(as_role, tenant);
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

create function pg_temp.a() returns text language sql return 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
create function pg_temp.b() returns text language sql return 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
create function pg_temp.job(statement text) returns text language sql
  as $$ select pg_temp.outcome('app_background', null, statement) $$;
create function pg_temp.tenant(tenant text, statement text) returns text language sql
  as $$ select pg_temp.outcome('authenticated', tenant, statement) $$;

-- Adds events to a tenant's backlog, due so long ago.
create function pg_temp.backlog(tenant text, events integer, due_since interval default '1 second') returns void
language plpgsql
as $$
begin
  perform pg_temp.become('app_background', null);
  insert into public.capacity_outbox (restaurant_id, event_type, idempotency_key, next_attempt_at)
  select tenant::uuid, 'capacity.taken', gen_random_uuid()::text, clock_timestamp() - due_since
    from generate_series(1, events);
  perform set_config('role', 'none', true);
end
$$;
-- Claims and says who got how many, as 'aaaa: 3, bbbb: 1'.
create function pg_temp.claimed(max_events integer, per_tenant integer default 1, worker text default 'w') returns text
language sql
as $$
  select pg_temp.job(format(
    $s$ select string_agg(format('%%s: %%s', t, n), ', ' order by t)
        from (select left(tenant::text, 4) as t, count(*) as n from outbox.claim(%L, %s, %s) group by 1) as c $s$,
    worker, max_events, per_tenant))
$$;

select pg_temp.become('app_background', null);
insert into public.restaurants (id, name, time_zone, currency)
values (pg_temp.a()::uuid, 'Mine', 'UTC', 'EUR'), (pg_temp.b()::uuid, 'Other', 'UTC', 'EUR');
reset role;
