-- By the month, until four months from now; by the day; with an end that never comes; by something else than time; and
-- one that nobody writes to any more.
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
call public.partition('months', 5, '1 month');
call public.isolate('months');
create table public.days (tenant_id uuid not null, at timestamp not null,
                          primary key (tenant_id, at)) partition by range (at);
call public.partition('days', 4, '1 day', date_trunc('day', now(), 'UTC'));
call public.isolate('days');
create table public.endless (tenant_id uuid not null, at timestamptz not null,
                             primary key (tenant_id, at)) partition by range (at);
create table public.endless_old partition of public.endless for values from (minvalue) to ('2024-01-01');
create table public.endless_new partition of public.endless for values from ('2024-01-01') to (maxvalue);
alter table public.endless_old enable row level security, force row level security;
alter table public.endless_new enable row level security, force row level security;
call public.isolate('endless');
create table public.numbers (tenant_id uuid not null, id int not null,
                             primary key (tenant_id, id)) partition by range (id);
create table public.numbers_1 partition of public.numbers for values from (0) to (10);
alter table public.numbers_1 enable row level security, force row level security;
call public.isolate('numbers');
create table public.past (tenant_id uuid not null, at date not null,
                          primary key (tenant_id, at)) partition by range (at);
call public.partition('past', 12, '1 month', '2020-01-01Z');
call public.isolate('past');
