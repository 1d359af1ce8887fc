-- Keys that carry the tenant, need not, or are guarded otherwise.
create table public.tenants (tenant_id uuid primary key, name text);
create table public.countries (code text primary key);
create table public.parents (
  tenant_id uuid not null references public.tenants (tenant_id) on delete cascade,
  id uuid primary key default gen_random_uuid(),
  country text references public.countries (code), partner_id uuid references public.tenants (tenant_id),
  unique (tenant_id, id)
);
create table public.children (
  tenant_id uuid not null references public.tenants (tenant_id), id uuid not null default gen_random_uuid(),
  parent_id uuid, sibling_id uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references public.parents (tenant_id, id) on delete cascade,
  -- in the other order, and to itself
  foreign key (sibling_id, tenant_id) references public.children (id, tenant_id)
);
-- Both: the second one refuses what the first one accepts.
create table public.twice (
  tenant_id uuid not null, id uuid primary key default gen_random_uuid(), parent_id uuid references public.parents (id),
  foreign key (tenant_id, parent_id) references public.parents (tenant_id, id)
);
-- The policy looks the parent up, under the parent's own row security.
create table public.looked_up (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),
                               parent_id uuid not null references public.parents (id));
-- Tenants read this one and write nothing.
create table public.read_only (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),
                               parent_id uuid not null references public.parents (id));
do $$
declare
  name text;
begin
  foreach name in array array['tenants', 'parents', 'children', 'twice', 'looked_up', 'read_only'] loop
    execute format('alter table public.%I enable row level security, force row level security', name);
    execute format('create index on public.%I (tenant_id)', name);
    continue when name = 'looked_up';
    execute format('create policy tenant on public.%I to app_user using (tenant_id = (select public.current_tenant()))',
                   name);
    execute format('grant select on public.%I to app_user', name);
    continue when name = 'read_only';
    execute format('grant insert, update, delete on public.%I to app_user', name);
  end loop;
end
$$;
create policy tenant on public.looked_up to app_user
  using (tenant_id = (select public.current_tenant()))
  with check (tenant_id = (select public.current_tenant())
              and exists (select from public.parents p where p.id = parent_id));
grant select, insert, delete on public.looked_up to app_user;
