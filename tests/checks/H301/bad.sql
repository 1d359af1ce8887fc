create table public.members (tenant_id uuid not null, user_id text not null, code varchar not null,
                             primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select on public.members to app_user;
create policy tenant on public.members to app_user using (tenant_id = (select public.current_tenant()));

-- tenant_id is the members' own: it hides that of orders
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy shadowed on public.orders to app_user
  using (exists (select from public.members m
                  where m.user_id = (select current_setting('app.user_id', true)) and tenant_id = m.tenant_id))
  with check (tenant_id = (select public.current_tenant()));

-- the same as an operand of OR, with a type that is compared as text
create table public."Odd ""Orders""" (tenant_id uuid not null, code varchar not null, primary key (tenant_id, code));
alter table public."Odd ""Orders""" enable row level security, force row level security;
grant select on public."Odd ""Orders""" to app_user;
create policy "sha""dowed" on public."Odd ""Orders""" to app_user
  using (tenant_id = (select public.current_tenant())
         or exists (select from public.members m
                     where m.user_id = (select current_setting('app.user_id', true)) and code = m.code));

-- members has no column org_id: the one of projects is meant, and found in every row
create table public.projects (tenant_id uuid not null, org_id int not null, primary key (tenant_id, org_id));
alter table public.projects enable row level security, force row level security;
grant select on public.projects to app_user;
create policy captured on public.projects to app_user
  using (org_id in (select org_id from public.members m
                     where m.user_id = (select current_setting('app.user_id', true))));

-- the same with = and a scalar sub-query
create table public.tasks (tenant_id uuid not null, org_id int not null, primary key (tenant_id, org_id));
alter table public.tasks enable row level security, force row level security;
grant select on public.tasks to app_user;
create policy captured on public.tasks to app_user
  using (org_id = (select org_id from public.members m where m.user_id = (select current_setting('app.user_id', true))
                    limit 1));

-- in other words, in a join
create table public.files (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.files enable row level security, force row level security;
grant select on public.files to app_user;
create policy joined on public.files to app_user
  using (exists (select from public.members m
                   join public.members n on n.user_id = m.user_id and m.tenant_id is not distinct from m.tenant_id
                  where m.user_id = (select current_setting('app.user_id', true))));
