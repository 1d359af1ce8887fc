-- An index may begin with the tenant, be the partitions', or be missing where a table is known to be small.
create table public.orders (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), body text);
create index on public.orders (tenant_id, body);
create table public.events (tenant_id uuid not null, id int not null) partition by list (tenant_id);
create table public.small (tenant_id uuid not null, id text not null);
insert into public.small values ('11111111-1111-4111-8111-111111111111', 'one');
analyze public.small;
do $$
declare
  name text;
begin
  foreach name in array array['orders', 'events', 'small'] loop
    execute format('alter table public.%1$I enable row level security, force row level security; grant select on public.%1$I to app_user;
                    create policy tenant on public.%1$I to app_user using (tenant_id = (select public.current_tenant()))', name);
  end loop;
end $$;
