-- The tenant role made a schema, the function by which policies decide, a table and a view that they read.
create schema access;
grant usage, create on schema access to app_user;
create table access.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table access.members enable row level security, force row level security;
create policy mine on access.members to app_user using (user_id = (select current_setting('app.user_id', true)));
create view access.my_tenants with (security_invoker = true) as select m.tenant_id from access.members m
                                                                 where m.user_id = (
                                                                     select current_setting('app.user_id', true));
create function access.inner_rule() returns boolean language plpgsql stable set search_path = ''
as $$ begin return coalesce(current_setting('app.may_write', true), '') = 'yes'; end $$;
create function access."May ""write"""() returns boolean language plpgsql stable set search_path = ''
as $$ begin return access.inner_rule(); end $$;
grant select on access.members to app_user;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy reads on public.orders for select to app_user
  using (tenant_id in (select t.tenant_id from access.my_tenants t));
create policy writes
  on public.orders for insert to app_user with check (tenant_id = (select public.current_tenant())
                                                      and (select access."May ""write"""()));
alter function access.inner_rule() owner to app_user;
alter view access.my_tenants owner to app_user;
alter table access.members owner to app_user;
revoke create on schema access from app_user;
create schema shared;
grant usage on schema shared to app_user;
create function shared.helper() returns int language sql immutable return 1;
-- By way of a group, which owns another function that decides.
do $$
begin
  if to_regrole('h111_team') is null then
    create role h111_team nologin;
    create role h111_member nologin in role h111_team;
  end if;
  execute format('grant h111_member, h111_team to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  execute format('grant create on database %I to app_user', current_database());
  alter schema shared owner to app_user;
  execute format('revoke create on database %I from app_user', current_database());
  grant create, usage on schema access to h111_team;
  alter function access."May ""write"""() owner to h111_team;
  revoke create on schema access from h111_team;
end
$$;
