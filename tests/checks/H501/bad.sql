-- Views that read as an owner whom row security does not bind: the fixture's owner has BYPASSRLS.
create schema hidden;  -- nobody but the owner may use it, which stops nobody inside a view
create schema "Re""ports";
grant usage on schema "Re""ports" to app_user;

create table public.orders (tenant_id uuid not null, id uuid not null default gen_random_uuid(), note_id uuid,
                            status text, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
create policy tenant on public.orders to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.orders to app_user;

create view public.all_notes as select * from public.notes;
grant select on public.all_notes to app_user;

-- Some filter is not the tenant's.
create view "Re""ports"."; drop table x; --" as select id, body from public.notes where body <> '';
grant select on "Re""ports"."; drop table x; --" to app_user;

-- Sums are other tenants' data too; PUBLIC has tenant roles in it.
create view public.totals as select tenant_id, count(*) from public.notes group by tenant_id;
grant select on public.totals to public;

-- An invoker view over a definer view that the tenant role has a right to: the inner one reads as its owner.
create view hidden.inner_notes as select * from public.notes;
create view public.outer_notes with (security_invoker = true) as select * from hidden.inner_notes;
grant select on hidden.inner_notes, public.outer_notes to app_user;

-- Two definer views on top of each other, of which only the upper one is granted.
create view hidden.deep as select * from public.orders;
create view public.shallow with (security_barrier = true) as select id, status from hidden.deep;
grant select on public.shallow to app_user;

-- Only what is written, and nothing read.
create view public.wipe as select * from public.orders;
grant delete on public.wipe to app_user;

-- Asking whether there is a tenant does not choose its rows.
create view public.cross_joined as
  select o.id, n.body from public.orders o cross join public.notes n where o.status = 'open';
grant select on public.cross_joined to app_user;

-- security_invoker written out as off
create view public.switched_off with (security_invoker = false) as select * from public.notes;
grant select (body) on public.switched_off to app_user;

-- Filters that name the tenant and let others through.
create view public.fail_open with (security_barrier = true) as
  select * from public.notes
   where tenant_id = (select public.current_tenant()) or (select public.current_tenant()) is null;
create view public.any_tenant with (security_barrier = true) as select * from public.notes
                                                                 where public.current_tenant() is not null;
create view public.flagged with (security_barrier = true) as select tenant_id = public.current_tenant() as mine,
body from public.notes;
create view public.half with (security_barrier = true) as
  select id from public.orders
   where tenant_id = public.current_tenant() and (status = 'open' or tenant_id = public.current_tenant())
  union all
  select id from public.notes where body <> '';
grant select on public.fail_open, public.any_tenant, public.flagged, public.half to app_user;

-- A materialized view that only this view is allowed to read.
create materialized view hidden.note_cache as select * from public.notes;
create view public.cached as select id, body from hidden.note_cache;
grant select on public.cached to app_user;

-- A comparison that ties nothing to the rows that are shown.
create view public.uncorrelated with (security_barrier = true) as
  select * from public.notes where exists (select from public.orders o where o.tenant_id = public.current_tenant());
create view public.crossed with (security_barrier = true) as
  select n.body from public.orders o, public.notes n where o.tenant_id = public.current_tenant();
grant select on public.uncorrelated, public.crossed to app_user;
