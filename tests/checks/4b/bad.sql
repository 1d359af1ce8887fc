-- Membership with everything but SET: pg_has_role(…, 'MEMBER') is true.
create role check_4b_bad nologin;
grant check_4b_bad to current_user with set false;
grant usage on schema public to check_4b_bad;
grant select on public.notes to check_4b_bad;
create policy other on public.notes to check_4b_bad using (tenant_id = (select public.current_tenant()));
