-- Keys that lack the tenant column.
create table public.parents (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), name text);
create table public.counted (tenant_id uuid not null, id bigint generated always as identity primary key,
                             parent_id bigint references public.counted (id));
create table public."Chil""dren" (
  tenant_id uuid not null, "Id" uuid primary key default gen_random_uuid(),
  parent_id uuid references public.parents (id) on delete cascade,
  "Other Parent" uuid constraint "other; parent" references public.parents (id) on delete
    set null deferrable initially deferred,
  counted_id bigint references public.counted (id)
);

-- Partitioned by month: one finding for the whole table.
create table public.events (tenant_id uuid not null, id uuid not null default gen_random_uuid(), month date not null,
                            parent_id uuid references public.parents (id))
  partition by range (month);
create table public.events_1 partition of public.events for values from ('2024-01-01') to ('2025-01-01');

do $$
declare
  name text;
begin
  foreach name in array array['parents', 'counted', 'Chil"dren', 'events', 'events_1'] loop
    execute format('alter table public.%I enable row level security, force row level security', name);
    execute format('create policy tenant on public.%I to app_user using (tenant_id = (select public.current_tenant()))',
                   name);
    continue when name = 'events_1';
    execute format('create index on public.%I (tenant_id)', name);
    execute format('grant select, insert, update, delete on public.%I to app_user', name);
  end loop;
end
$$;
insert into public.parents (tenant_id, id)
  values ('11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-1111111111aa');
insert into public."Chil""dren" (tenant_id, parent_id)
  values ('11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-1111111111aa');
