-- An index on something else, one with the tenant last, one that leaves rows out.
create table public.orders (tenant_id uuid not null, id int not null, body text);
create index on public.orders (id, tenant_id);
create index on public.orders (tenant_id) where body is not null;
create table public."Odd; events" (tenant_id uuid not null, at date not null) partition by range (at);
do $$
declare
  name text;
begin
  foreach name in array array['orders', 'Odd; events'] loop
    execute format('alter table public.%1$I enable row level security, force row level security; grant select on public.%1$I to app_user;
                    create policy tenant on public.%1$I to app_user using (tenant_id = (select public.current_tenant()))', name);
  end loop;
end $$;
