-- Views that refuse what they don't show, or whose tables do.
create view public.checked with (security_barrier = true) as
  select * from public.notes where tenant_id = (select public.current_tenant()) with check option;
create view public.checked_locally with (security_barrier = true) as
  select * from public.notes where tenant_id = (select public.current_tenant()) with local check option;
create view public.around with (security_barrier = true) as select * from public.checked_locally where body <> '';
grant select, insert, update, delete on public.checked, public.checked_locally, public.around to app_user;

-- CASCADED covers the view below.
create view public.lower with (security_barrier = true) as select * from public.notes
                                                            where tenant_id = (select public.current_tenant());
create view public.upper with (security_barrier = true) as select * from public.lower
                                                            where body <> '' with cascaded check option;
grant select, insert, update on public.upper to app_user;

-- Row security of the table says no.
create view public.invoked with (security_invoker = true) as select * from public.notes where body <> '';
grant select, insert, update, delete on public.invoked to app_user;

-- Read only; not writable at all; without the tenant column.
create view public.shown with (security_barrier = true) as select * from public.notes
                                                            where tenant_id = (select public.current_tenant());
grant select on public.shown to app_user;
create view public.counted with (security_barrier = true) as
  select tenant_id, count(*) from public.notes where tenant_id = (select public.current_tenant()) group by tenant_id;
grant select, insert, update, delete on public.counted to app_user;
create view public.bodies with (security_barrier = true) as select id, body from public.notes
                                                             where tenant_id = (select public.current_tenant());
grant select, update on public.bodies to app_user;
