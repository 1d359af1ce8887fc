-- Views that show the tenant's rows and take anybody's: they write as the fixture's owner, who has BYPASSRLS.
create view public.mine with (security_barrier = true) as select * from public.notes
                                                           where tenant_id = (select public.current_tenant());
grant select, insert, update, delete on public.mine to app_user;

-- The tenant column under another name, and the right to write that column only.
create view public."Mine; too" with (security_barrier = true) as
  select tenant_id as "Who", id, body from public.notes where tenant_id = (select public.current_tenant());
grant select, insert ("Who", body) on public."Mine; too" to app_user;

-- LOCAL looks at the upper view alone.
create view public.lower with (security_barrier = true) as select * from public.notes
                                                            where tenant_id = (select public.current_tenant());
create view public.upper with (security_barrier = true) as select * from public.lower
                                                            where body <> '' with local check option;
grant update on public.upper to app_user;
