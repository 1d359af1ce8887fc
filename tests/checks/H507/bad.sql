-- A temporary table called notes comes before public.notes, and current_tenant() may be anybody's.
create function public.mine() returns bigint language sql stable security definer
as $$ select count(*) from notes where tenant_id = current_tenant() $$;
create schema "Odd; schema";
grant usage on schema "Odd; schema" to app_user;
create procedure "Odd; schema"."Do""it"(p_note uuid) language plpgsql security definer set work_mem = '4MB'
as $$
begin
  delete from public.notes where id = p_note and tenant_id = public.current_tenant();
end
$$;
