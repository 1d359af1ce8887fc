-- also: 4c H101 H201 H202 H203 H204 H205
create schema parts;
grant usage on schema parts to app_user;

-- A partition, one below it that was attached, each granted in another way; their schema is in no configuration.
create table public.events (tenant_id uuid not null, at date not null, body text) partition by range (at);
alter table public.events enable row level security, force row level security;
create policy tenant on public.events to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.events to app_user;
create index on public.events (tenant_id);
create table parts.events_2025 partition of public.events for values from ('2025-01-01') to ('2026-01-01');
grant select on parts.events_2025 to public;
create table parts.events_2026 partition of public.events for values
  from ('2026-01-01') to (maxvalue) partition by list (body);
create table parts."events; -- ""2026""" (tenant_id uuid not null, at date not null, body text);
grant update (body) on parts."events; -- ""2026""" to app_user;
alter table parts.events_2026 attach partition parts."events; -- ""2026""" default;

-- A child by inheritance; granted by column.
create table parts.old_notes (archived_at date) inherits (public.notes);
grant select (body), insert on parts.old_notes to app_user;

-- Row security of its own that lets everything through.
create table parts.loose_notes () inherits (public.notes);
alter table parts.loose_notes enable row level security;
create policy everything on parts.loose_notes for select to app_user using (true);
grant select on parts.loose_notes to app_user;

-- Only the partition has row security, the parent is open.
create table parts.visits (tenant_id uuid not null, at date not null) partition by range (at);
create table parts.visits_2026 partition of parts.visits for values from ('2026-01-01') to ('2027-01-01');
create index on parts.visits (tenant_id);
alter table parts.visits_2026 enable row level security, force row level security;
create policy tenant on parts.visits_2026 to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert on parts.visits, parts.visits_2026 to app_user;

-- In the schema of the others, where the probes see it too.
create table public.notes_2026 () inherits (public.notes);
create index on public.notes_2026 (tenant_id);
grant select, insert, update, delete on public.notes_2026 to app_user;
insert into public.notes_2026 (tenant_id, body) values ('11111111-1111-4111-8111-111111111111', 'one''s');
