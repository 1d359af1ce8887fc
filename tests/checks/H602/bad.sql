-- Keys that a tenant chooses, and that are unique among all tenants.
create table public.customers (
  tenant_id uuid not null, id uuid primary key default gen_random_uuid(), email text not null unique, phone text,
  slug text, "Number" int,
  constraint "one; number" unique nulls not distinct ("Number", phone) deferrable
);
create unique index "Lower""Email" on public.customers (lower(slug)) include (phone) where phone is not null;
create table public.coupons (tenant_id uuid not null, code text primary key);
-- Given out by a program: a remark.
create table public.files (tenant_id uuid not null, id text primary key);
-- Rooms by number, booked by day.
create table public.rooms (tenant_id uuid not null, id bigint generated always as identity primary key, room int,
                           days int4range, exclude using gist (days with &&));
-- Of a partitioned table, one finding.
create table public.events (tenant_id uuid not null, day date not null, code text,
                            unique (day, code)) partition by range (day);
create table public.events_1 partition of public.events for values from ('2024-01-01') to ('2025-01-01');
create extension if not exists btree_gist;
do $$
declare
  name text;
begin
  foreach name in array array['customers', 'coupons', 'files', 'rooms', 'events', 'events_1'] loop
    execute format('alter table public.%I enable row level security, force row level security', name);
    execute format('create policy tenant on public.%I to app_user using (tenant_id = (select public.current_tenant()))',
                   name);
    continue when name = 'events_1';
    execute format('create index on public.%I (tenant_id)', name);
    execute format('grant select, insert, update, delete on public.%I to app_user', name);
  end loop;
end
$$;
