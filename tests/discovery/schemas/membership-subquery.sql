-- Who belongs to an organization sees its rows: a membership table behind sub-queries, in both forms.
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
alter table organizations enable row level security, force row level security;
alter table members enable row level security, force row level security;
alter table projects enable row level security, force row level security;
alter table documents enable row level security, force row level security;
create policy mine on members for select to authenticated using (user_id = (select auth.uid()));
create policy mine on organizations for select to authenticated
  using (id in (select org_id from members where user_id = (select auth.uid())));
create policy members_read on projects for select to authenticated
  using (org_id in (select members.org_id from members where members.user_id = (select auth.uid()))
         and archived_at is null);
create policy admins_write on projects to authenticated
  using (org_id in (select m.org_id from members m where m.user_id = (select auth.uid()) and m.role = 'admin'));
create policy members_all on documents to authenticated
  using (exists (select 1 from members m where m.org_id = documents.org_id and m.user_id = (select auth.uid())));
grant usage on schema public to authenticated, anon;
grant select on organizations, members to authenticated;
grant select, insert, update, delete on projects, documents to authenticated;
insert into organizations (id, name) values ('cccccccc-0000-4000-8000-000000000001', 'one'),
('cccccccc-0000-4000-8000-000000000002', 'two');
insert into members select id, ('dddddddd-0000-4000-8000-00000000000' || row_number() over (order by id))::uuid, 'admin'
                      from organizations;
insert into projects (org_id, name) select id, name from organizations;
insert into documents (org_id, title) select id, name from organizations;
