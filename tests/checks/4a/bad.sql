-- also: H201 4c
-- The attribute is set by the owner itself, as PostgreSQL 16 and newer allow it.
create role check_4a_bad nologin bypassrls;
grant check_4a_bad to current_user with set true;
grant usage on schema public to check_4a_bad;
grant select on public.notes to check_4a_bad;
create policy other on public.notes to check_4a_bad using (tenant_id = (select public.current_tenant()));
