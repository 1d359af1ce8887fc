-- The organization is a claim inside another one; policies read the token directly.
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
grant usage on schema public to authenticated;
create table companies (id uuid primary key, name text not null);
create table vehicles (id uuid primary key default gen_random_uuid(), company_id uuid not null references companies,
                       plate text not null);
create table trips (id bigint generated always as identity primary key, company_id uuid not null, km integer not null,
                    meta jsonb not null default '{}');
create index on vehicles (company_id);
create index on trips (company_id);
alter table companies enable row level security, force row level security;
alter table vehicles enable row level security, force row level security;
alter table trips enable row level security, force row level security;
create policy own on companies for select to authenticated
  using (id = ((select auth.jwt()) -> 'app_metadata' ->> 'company_id')::uuid);
create policy own on vehicles to authenticated
  using (company_id = (((select auth.jwt()) -> 'app_metadata' ->> 'company_id'))::uuid);
create policy own on trips to authenticated
  using (company_id = ((select auth.jwt()) -> 'app_metadata' ->> 'company_id')::uuid
         and coalesce(meta ->> 'hidden', 'no') <> 'yes');
grant select on companies to authenticated;
grant select, insert, update, delete on vehicles, trips to authenticated;
insert into companies values ('eeeeeeee-0000-4000-8000-000000000001', 'one'),
('eeeeeeee-0000-4000-8000-000000000002', 'two');
insert into vehicles (company_id, plate) select id, 'XY-1' from companies;
insert into trips (company_id, km) select id, 12 from companies;
