create schema parts;
grant usage on schema parts to app_user;
create schema store;  -- nobody may look into it

create table public.events (tenant_id uuid not null, at date not null, body text, id int,
                            primary key (tenant_id, id, at)) partition by range (at);
alter table public.events enable row level security, force row level security;
create policy tenant on public.events to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.events to app_user;

-- No privilege.
create table public.events_2024 partition of public.events for values from ('2024-01-01') to ('2025-01-01');
alter table public.events_2024 enable row level security, force row level security;
-- A privilege, in a schema without USAGE.
create table store.events_2025 partition of public.events for values from ('2025-01-01') to ('2026-01-01');
grant select on store.events_2025 to app_user;
-- Its own row security, which the probes see.
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
alter table public.events_2026 enable row level security, force row level security;
create policy own on public.events_2026 to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.events_2026 to app_user;
-- The parent's policy once more, where they don't.
create table parts.events_2027 partition of public.events for values from ('2027-01-01') to (maxvalue);
alter table parts.events_2027 enable row level security, force row level security;
create policy own on parts.events_2027 to app_user using (tenant_id = (select public.current_tenant()));
grant select on parts.events_2027 to app_user;
-- Row security and no policy: closed.
create table parts.old_notes () inherits (public.notes);
alter table parts.old_notes enable row level security, force row level security;
grant select on parts.old_notes to app_user;

-- A parent without row security that nobody reaches; its child is open through its own policy only.
create table store.all_visits (tenant_id uuid not null, at date not null);
create table public.visits (id int not null) inherits (store.all_visits);
create index on public.visits (tenant_id);
alter table public.visits enable row level security, force row level security;
create policy own on public.visits to app_user using (tenant_id = (select public.current_tenant()));
grant select on public.visits to app_user;

-- No tenant's rows at all.
create table parts.countries (code text) partition by list (code);
create table parts.countries_eu partition of parts.countries for values in ('de', 'fr');
grant select on parts.countries, parts.countries_eu to app_user;
