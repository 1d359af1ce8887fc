-- What policies call and read belongs to whoever deploys.
create schema access;
grant usage on schema access to app_user;
create table access.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table access.members enable row level security, force row level security;
grant select on access.members to app_user;
create policy mine on access.members to app_user using (user_id = (select current_setting('app.user_id', true)));
create view access.my_tenants with (security_invoker = true) as select m.tenant_id from access.members m
                                                                 where m.user_id = (
                                                                     select current_setting('app.user_id', true));
grant select on access.my_tenants to app_user;
create function access.may_write() returns boolean language plpgsql stable set search_path = ''
as $$ begin return coalesce(current_setting('app.may_write', true), '') = 'yes'; end $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert on public.orders to app_user;
create policy reads on public.orders for select to app_user
  using (tenant_id in (select t.tenant_id from access.my_tenants t));
create policy writes
  on public.orders for insert to app_user with check (tenant_id = (select public.current_tenant())
                                                      and (select access.may_write()));

-- A tenant's own schema with its own objects, in nobody's search_path: no policy knows of them.
create schema sandbox;
do $$
begin
  execute format('grant create on database %I to app_user', current_database());
  alter schema sandbox owner to app_user;
  execute format('revoke create on database %I from app_user', current_database());
end
$$;
set role app_user;
create table sandbox.samples (id int);
create function sandbox.double(n int) returns int language sql immutable return 2 * n;
reset role;
