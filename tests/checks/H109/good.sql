do $$
begin
  if to_regrole('h109_kiosk') is null then
    create role h109_kiosk nologin;
  end if;
  if to_regrole('h109_tenants') is null then
    create role h109_tenants nologin;
  end if;
  execute format('grant h109_kiosk to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
grant h109_tenants to app_user, h109_kiosk;
grant usage on schema public to h109_kiosk;

-- A floor to a group that every tenant role inherits from. What it holds back is careless, and another check's business
-- (H103), so nothing is.
create table public.orders (tenant_id uuid not null, id int not null, total int, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user, h109_kiosk;
create policy mine on public.orders using (tenant_id = (select public.current_tenant()));
create policy floor on public.orders as restrictive to h109_tenants
  using (tenant_id = (select public.current_tenant()));

-- A floor to one role; the other is limited by its own policy.
create table public.menu (tenant_id uuid not null, id int not null, dish text, primary key (tenant_id, id));
alter table public.menu enable row level security, force row level security;
grant select, insert on public.menu to app_user, h109_kiosk;
create policy mine on public.menu to app_user using (tenant_id = (select public.current_tenant()));
create policy browse on public.menu for select to h109_kiosk using (tenant_id = (select public.current_tenant()));
create policy floor on public.menu as restrictive to app_user using (tenant_id = (select public.current_tenant()));

-- A floor to one role; the other has no policy at all. And a policy to a role that is no tenant's.
create table public.bills (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.bills enable row level security, force row level security;
grant select on public.bills to app_user, h109_kiosk;
create policy mine on public.bills to app_user using (tenant_id = (select public.current_tenant()));
create policy jobs on public.bills to h109_tenants using (false);
create policy floor on public.bills as restrictive to app_user using (tenant_id = (select public.current_tenant()));

-- A restrictive policy to one role that has nothing to do with tenants.
create table public.drafts (tenant_id uuid not null, id int not null, hidden boolean, primary key (tenant_id, id));
alter table public.drafts enable row level security, force row level security;
grant select on public.drafts to app_user, h109_kiosk;
create policy mine on public.drafts using (tenant_id = (select public.current_tenant()));
create policy shown on public.drafts as restrictive to h109_kiosk using (not hidden);
