-- Filled by an owner with BYPASSRLS, and readable.
create materialized view public.note_cache as select tenant_id, id, body from public.notes;
grant select on public.note_cache to app_user;

-- From a view, one column only, to everybody, in a schema of its own.
create schema "Stats";
grant usage on schema "Stats" to public;
create view public.lengths with (security_invoker = true) as select tenant_id, length(body) as length from public.notes;
create materialized view "Stats"."per; tenant" as select tenant_id, sum(length) as total from public.lengths
                                                   group by tenant_id;
grant select (total) on "Stats"."per; tenant" to public;

-- One row about all tenants: a remark.
create materialized view public.note_count as select count(*) from public.notes;
grant select on public.note_count to app_user;

-- Filled from another one.
create materialized view public.note_bodies as select body from public.note_cache;
grant select on public.note_bodies to app_user;
