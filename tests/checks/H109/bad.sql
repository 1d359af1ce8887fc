-- also: 4c H103 H201 H202 H203 H204 H205
-- The floor was written for the one role there was; the second got a policy of its own later.
do $$
begin
  if to_regrole('h109_kiosk') is null then
    create role h109_kiosk nologin;
  end if;
  execute format('grant h109_kiosk to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
grant usage on schema public to h109_kiosk;
create table public.orders (tenant_id uuid not null, id int not null, total int, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user, h109_kiosk;
create policy "all; --" on public.orders using (true);
create policy "floor; --" on public.orders as restrictive to app_user
  using (tenant_id = (select public.current_tenant()));

-- A floor for reading only.
create table public."Menu" (tenant_id uuid not null, id int not null, dish text, primary key (tenant_id, id));
alter table public."Menu" enable row level security, force row level security;
grant select on public."Menu" to app_user, h109_kiosk;
create policy mine on public."Menu" to app_user using (tenant_id = (select public.current_tenant()));
create policy browse on public."Menu" for select to h109_kiosk using (dish <> 'secret' or dish is null);
create policy floor on public."Menu" as restrictive for select to app_user
  using (tenant_id = (select public.current_tenant()));
