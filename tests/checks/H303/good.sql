-- Membership that nobody can give to himself.
create table public.members (tenant_id uuid not null, user_id text not null, primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
grant select, insert, delete on public.members to app_user;
create policy mine on public.members for select to app_user
  using (user_id = (select current_setting('app.user_id', true)) and tenant_id = (select public.current_tenant()));
create policy invited on public.members for insert to app_user
  with check (user_id = (select current_setting('app.user_id', true)) and tenant_id = (select public.current_tenant()));
create policy leave on public.members for delete to app_user
  using (user_id = (select current_setting('app.user_id', true)) and tenant_id = (select public.current_tenant()));

-- the profile that says whose the user is: only its name may be changed
create table public.profiles (tenant_id uuid not null, user_id text not null, name text,
                              primary key (tenant_id, user_id));
alter table public.profiles enable row level security, force row level security;
grant select, update (name) on public.profiles to app_user;
create policy mine on public.profiles to app_user using (user_id = (select current_setting('app.user_id', true)));

create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy by_membership on public.orders to app_user using (tenant_id in (
  select m.tenant_id from public.members m where m.user_id = (select current_setting('app.user_id', true))));
create policy by_profile on public.orders to app_user using (tenant_id = (
  select p.tenant_id from public.profiles p where p.user_id = (select current_setting('app.user_id', true)) limit 1));

-- a table of one's own rows whose key nobody can take twice
create table public.posts (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),
                           author text not null);
create index on public.posts (tenant_id);
alter table public.posts enable row level security, force row level security;
grant select, insert on public.posts to app_user;
create policy mine on public.posts to app_user
  using (author = (select current_setting('app.user_id', true)) and tenant_id = (select public.current_tenant()));
create table public.comments (tenant_id uuid not null, id int not null, post_id uuid not null,
                              primary key (tenant_id, id));
alter table public.comments enable row level security, force row level security;
grant select on public.comments to app_user;
create policy by_post on public.comments to app_user
  using (exists (select from public.posts p where p.id = comments.post_id));
