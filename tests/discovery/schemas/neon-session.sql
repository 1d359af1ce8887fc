-- Neon's way: the extension hands the claims over, a helper picks the organization, which is a text.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_neon_app') then create role disc_neon_app nologin; end if;
  execute format('grant disc_neon_app to %I with set true, inherit false', current_user);
end
$$;
create extension pg_session_jwt;
grant usage on schema public to disc_neon_app;
create function public.org() returns text language sql stable return auth.session() ->> 'org_id';
create function public.me() returns text language sql stable return auth.user_id();
create table boards (id uuid primary key default gen_random_uuid(), organization text not null, title text not null);
create table cards (id uuid primary key default gen_random_uuid(), organization text not null, text text not null);
create table notes (id uuid primary key default gen_random_uuid(), author text not null, text text not null);
create index on boards (organization);
create index on cards (organization);
create index on notes (author);
alter table boards enable row level security, force row level security;
alter table cards enable row level security, force row level security;
alter table notes enable row level security, force row level security;
create policy org on boards to disc_neon_app using (organization = (select org()));
create policy org on cards to disc_neon_app using (organization = (select org()));
create policy mine on notes to disc_neon_app using (author = (select me()));
grant select, insert, update, delete on boards, cards, notes to disc_neon_app;
insert into boards (organization, title) values ('acme', 'b'), ('globex', 'b');
insert into cards (organization, text) values ('acme', 'b'), ('globex', 'b');
insert into notes (author, text) values ('user_1', 'b'), ('user_2', 'b');
