-- Tables, bookings and holds of the two restaurants, and calls of confirm_hold_assignment_tx(). After
-- support/outbox.sql. All of them are in a month that there is no partition for yet.
select partitions.fill('public.booking_table_assignments', '2030-01-01Z', '2030-02-01Z');

create function pg_temp.id(name text) returns uuid language sql immutable return md5(name)::uuid;

create function pg_temp.add_tables(tenant text, names text[]) returns void language plpgsql as $$
begin
  perform pg_temp.become('app_background', null);
  insert into public.restaurant_tables (restaurant_id, id, label, max_covers) select tenant::uuid, pg_temp.id(n),
  n, 4 from unnest(names) as n;
  perform set_config('role', 'none', true);
end
$$;

create function pg_temp.add_booking(tenant text, name text, hour integer default 19,
                                    status text default 'pending') returns void language plpgsql as $$
begin
  perform pg_temp.become('app_background', null);
  insert into public.bookings (restaurant_id, id, reference, party_size, booking_date, starts_at, ends_at, status,
                               cancelled_at)
  select tenant::uuid, pg_temp.id(name), name, 2, '2030-01-01', s, s + interval '2 hours', status,
         case status when 'cancelled' then now() end
  from (select timestamptz '2030-01-01 00:00Z' + make_interval(hours => hour)) as t (s);
  perform set_config('role', 'none', true);
end
$$;

-- allocated: whether its tables are in public.allocations, as they should be.
create function pg_temp.add_hold(
  tenant text, name text, tables text[], hour integer default 19, booking text default null,
  status text default 'active',
  expires interval default '10 minutes', allocated boolean default true
) returns void language plpgsql as $$
begin
  perform pg_temp.become('app_background', null);
  insert into public.table_holds (restaurant_id, id, booking_id, booking_date, starts_at, ends_at, status, expires_at)
  select tenant::uuid, pg_temp.id(name), pg_temp.id(booking), '2030-01-01', s, s + interval '2 hours', status,
         clock_timestamp() + expires
  from (select timestamptz '2030-01-01 00:00Z' + make_interval(hours => hour)) as t (s);
  insert into public.table_hold_members (restaurant_id, hold_id, table_id) select tenant::uuid, pg_temp.id(name),
  pg_temp.id(t) from unnest(tables) as t;
  insert into public.allocations (restaurant_id, id, table_id, hold_id, starts_at, ends_at)
  select h.restaurant_id, pg_temp.id(name || ' on ' || t), pg_temp.id(t), h.id, h.starts_at, h.ends_at
  from public.table_holds as h, unnest(tables) as t
 where h.restaurant_id = tenant::uuid and h.id = pg_temp.id(name) and allocated;
  perform set_config('role', 'none', true);
end
$$;

create function pg_temp.call(booking text, holds text[], key text,
                             context text default '{}') returns text language sql return format(
  'select public.confirm_hold_assignment_tx(booking_id => %L, hold_ids => %L, idempotency_key => %L, context => %L)',
  pg_temp.id(booking), array(select pg_temp.id(h) from unnest(holds) with ordinality as h (h, n) order by n),
  key, context);

-- The answer, or the SQLSTATE.
create function pg_temp.confirm(tenant text, booking text, holds text[], key text,
                                context text default '{}') returns text
language sql as $$ select pg_temp.tenant(tenant, pg_temp.call(booking, holds, key, context)) $$;

-- The whole error as a client gets it: SQLSTATE, message, detail, hint; NULL if there is none.
create function pg_temp.refusal(as_role text, tenant text, statement text) returns text language plpgsql as $$
declare
  m text; d text; h text;
begin
  perform pg_temp.become(as_role, tenant);
  execute statement;
  perform set_config('role', 'none', true);
  return null;
exception
  when others then
    perform set_config('role', 'none', true);
    get stacked diagnostics m = message_text, d = pg_exception_detail, h = pg_exception_hint;
    return concat_ws(' | ', sqlstate, m, d, h);
end
$$;
create function pg_temp.refused(tenant text, booking text, holds text[], key text,
                                context text default '{}') returns text
language sql as $$ select pg_temp.refusal('authenticated', tenant, pg_temp.call(booking, holds, key, context)) $$;

-- How many assignments, ledger entries, answers, events and confirmed holds there are.
create function pg_temp.left_behind() returns text language sql as $$
  select pg_temp.job(
    $s$ select concat_ws(' ',
      (select count(*) from public.booking_table_assignments), (select count(*) from public.allocation_ledger),
      (select count(*) from public.confirmations), (select count(*) from public.capacity_outbox),
      (select count(*) from public.table_holds where status = 'confirmed')) $s$)
$$;
