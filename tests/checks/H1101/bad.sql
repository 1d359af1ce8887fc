-- Ran out in the past month; ends within two months; has a gap ahead; by the day, with tomorrow missing; a name that
-- wants quoting.
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
create table public.over (tenant_id uuid not null, at date not null,
                          primary key (tenant_id, at)) partition by range (at);
call public.partition('over', 3, '1 month', date_trunc('month', now(), 'UTC') - interval '3 months');
call public.isolate('over');
create table public.soon (tenant_id uuid not null, at timestamptz not null,
                          primary key (tenant_id, at)) partition by range (at);
call public.partition('soon', 2, '1 month');
call public.isolate('soon');
create table public.gap (tenant_id uuid not null, at timestamp not null,
                         primary key (tenant_id, at)) partition by range (at);
call public.partition('gap', 6, '1 month');
drop table public.gap1;
call public.isolate('gap');
create table public.days (tenant_id uuid not null, at timestamp not null,
                          primary key (tenant_id, at)) partition by range (at);
call public.partition('days', 1, '1 day', date_trunc('day', now(), 'UTC'));
call public.isolate('days');
create table public."Odd; ""events""" (tenant_id uuid not null, at date not null,
                                       primary key (tenant_id, at)) partition by range (at);
call public.partition('Odd; "events"', 1, '1 month');
call public.isolate('Odd; "events"');
