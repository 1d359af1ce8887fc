-- The same question asked by a SECURITY DEFINER helper, so that the membership table may have a policy that asks it
-- too.
do $$
begin
  if to_regrole('anon') is null then create role anon nologin; end if;
  if to_regrole('authenticated') is null then create role authenticated nologin; end if;
  execute format('grant anon, authenticated to %I with set true, inherit false', current_user);
end
$$;
create schema auth;
create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                  nullif(current_setting('request.jwt.claims', true), ''))::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                  (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''),
                  (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))
$$;
grant usage on schema auth to authenticated, anon;
create table organizations (id uuid primary key default gen_random_uuid(), name text not null);
create table members (
  org_id uuid not null references organizations on delete cascade,
  user_id uuid not null,
  role text not null default 'viewer',
  primary key (org_id, user_id)
);
create table projects (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations on delete cascade,
  name text not null,
  archived_at timestamptz,
  unique (org_id, id)
);
create table documents (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations on delete cascade,
  title text not null
);
create index on documents (org_id);
create index on members (user_id);
create schema private;
create function private.is_member(org uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.org_id = org and m.user_id = (select auth.uid()))
$$;
create function private.my_orgs() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select org_id from public.members where user_id = (select auth.uid())
$$;
grant usage on schema private to authenticated;
alter table organizations enable row level security, force row level security;
alter table members enable row level security, force row level security;
alter table projects enable row level security, force row level security;
alter table documents enable row level security, force row level security;
create policy mine on members for select to authenticated using (private.is_member(org_id));
create policy mine on organizations for select to authenticated using (private.is_member(id));
create policy mine on projects to authenticated using (private.is_member(org_id));
create policy mine on documents to authenticated using (org_id in (select private.my_orgs()));
grant usage on schema public to authenticated, anon;
grant select on organizations, members to authenticated;
grant select, insert, update, delete on projects, documents to authenticated;
insert into organizations (id, name) values ('cccccccc-0000-4000-8000-000000000001', 'one'),
('cccccccc-0000-4000-8000-000000000002', 'two');
insert into members select id, ('dddddddd-0000-4000-8000-00000000000' || row_number() over (order by id))::uuid, 'admin'
                      from organizations;
insert into projects (org_id, name) select id, name from organizations;
insert into documents (org_id, title) select id, name from organizations;
