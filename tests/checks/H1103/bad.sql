-- One of three is not like the others: row security switched off; its policy dropped; and neither, a level below.
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
create table public.flags (tenant_id uuid not null, kind text not null,
                           primary key (tenant_id, kind)) partition by list (kind);
create table public.flags_a partition of public.flags for values in ('a');
create table public.flags_b partition of public.flags for values in ('b');
call public.isolate('flags');
call public.isolate('flags_a');
call public.isolate('flags_b');
revoke all on public.flags_a, public.flags_b from app_user;
alter table public.flags_b disable row level security, no force row level security;
create table public.texts (tenant_id uuid not null, kind text not null, n int not null,
                           primary key (tenant_id, kind, n)) partition by list (kind);
create table public.texts_a partition of public.texts for values in ('a');
create table public."Texts, b" partition of public.texts for values in ('b') partition by range (n);
create table public.texts_b1 partition of public."Texts, b" for values from (0) to (100);
call public.isolate('texts');
call public.isolate('texts_a');
call public.isolate('Texts, b');
revoke all on public.texts_a, public."Texts, b" from app_user;
drop policy tenant on public."Texts, b";
create policy counted on public.texts as restrictive to app_user using ((select texts.n >= 0));
create policy counted on public.texts_a as restrictive to app_user using ((select texts_a.n >= 0));
