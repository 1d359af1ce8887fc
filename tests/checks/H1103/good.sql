-- All like their parent, also a level below; none like it, on purpose; and a parent without policies of its own for a
-- child.
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
create table public.alike (tenant_id uuid not null, kind text not null, n int not null,
                           primary key (tenant_id, kind, n)) partition by list (kind);
create table public.alike_a partition of public.alike for values in ('a');
create table public.alike_b partition of public.alike for values in ('b') partition by range (n);
create table public.alike_b1 partition of public.alike_b for values from (0) to (100);
-- the same of each, and each calls itself by its name
create policy counted on public.alike as restrictive to app_user using ((select alike.n >= 0));
create policy counted on public.alike_a as restrictive to app_user using ((select alike_a.n >= 0));
create policy counted on public.alike_b as restrictive to app_user using ((select alike_b.n >= 0));
create policy counted on public.alike_b1 as restrictive to app_user using ((select alike_b1.n >= 0));
call public.isolate('alike');
call public.isolate('alike_a');
call public.isolate('alike_b');
call public.isolate('alike_b1');
revoke all on public.alike_a, public.alike_b, public.alike_b1 from app_user;
-- a literal that reads like a column of the table, and a schema that is called like it: nothing in them is the table's
-- own name
create table public.log (tenant_id uuid not null, kind text not null, note text not null,
                         primary key (tenant_id, kind)) partition by list (kind);
create table public.log_a partition of public.log for values in ('a');
create schema log;
grant usage on schema log to app_user;
create function log.whose() returns uuid language sql stable return (select public.current_tenant());
call public.isolate('log');
call public.isolate('log_a');
create policy see on public.log as restrictive to app_user
  using ((select log.note <> 'see log.note') and tenant_id = (select log.whose()));
create policy see on public.log_a as restrictive to app_user
  using ((select log_a.note <> 'see log.note') and tenant_id = (select log.whose()));
revoke all on public.log_a from app_user;
-- kept up, so that its partitions are meant to be alike
create schema partitions;
create table partitions.managed (parent regclass primary key);
insert into partitions.managed values ('public.log');
