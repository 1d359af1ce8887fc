-- as: superuser
-- DETACH … CONCURRENTLY was interrupted between its two transactions, which leaves this mark.
create procedure public.partition(parent text, count integer, step interval,
                                  first timestamptz default date_trunc('month', now(), 'UTC')) language plpgsql as $$
begin
  for n in 0 .. count - 1 loop
    execute format('create table public.%1$I partition of public.%2$I for values from (%3$L) to (%4$L)', parent || n,
                   parent,
                   (first at time zone 'UTC') + n * step, (first at time zone 'UTC') + (n + 1) * step);
    execute format('alter table public.%I enable row level security, force row level security', parent || n);
  end loop;
end
$$;
create procedure public.isolate(name text) language plpgsql as $$
begin
  execute format('alter table public.%I enable row level security, force row level security', name);
  execute format('create policy tenant on public.%I to app_user using (tenant_id = (select public.current_tenant()))',
                 name);
  execute format('grant select, insert, update, delete on public.%I to app_user', name);
end
$$;
create table public.months (tenant_id uuid not null, at date not null,
                            primary key (tenant_id, at)) partition by range (at);
call public.partition('months', 7, '1 month', date_trunc('month', now(), 'UTC') - interval '2 months');
call public.isolate('months');
set allow_system_table_mods = on;
update pg_catalog.pg_inherits set inhdetachpending = true where inhrelid = 'public.months0'::regclass;
reset allow_system_table_mods;
