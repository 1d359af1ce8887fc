-- An ordinary role.
create role check_4a_good nologin;
grant check_4a_good to current_user with set true;
grant usage on schema public to check_4a_good;
grant select on public.notes to check_4a_good;
create policy other on public.notes to check_4a_good using (tenant_id = (select public.current_tenant()));
