create function public.pinned() returns bigint language sql stable security definer set search_path = ''
as $$ select count(*) from public.notes where tenant_id = public.current_tenant() $$;
create function public.pinned_too() returns bigint language plpgsql stable security definer set search_path = public,
pg_temp
as $$
begin
  return (select count(*) from notes where tenant_id = current_tenant());
end
$$;
-- Bound when it was made.
create function public.parsed() returns bigint language sql stable security definer
return (select count(*) from public.notes where tenant_id = public.current_tenant());
-- Nobody's, and an invoker's.
create function public.for_staff() returns bigint language sql stable security definer as $$ select count(*)
    from notes $$;
revoke execute on function public.for_staff() from public;
create function public.invoked() returns bigint language sql stable as $$ select count(*) from notes $$;
