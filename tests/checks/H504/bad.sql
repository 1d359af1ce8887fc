-- Functions that run as the fixture's owner, who has BYPASSRLS. PUBLIC may execute a function unless somebody says
-- otherwise.
create function public.all_notes() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes $$;

-- The argument is trusted.
create function public.notes_of(p_tenant uuid) returns setof public.notes language sql stable security definer
  set search_path = ''
begin atomic
  select * from public.notes n where n.tenant_id = p_tenant;
end;

create function public."wipe; now"(p_id uuid) returns void language plpgsql security definer set search_path = public,
pg_temp
as $$
begin
  -- where tenant_id = current_tenant() is only a comment
  raise notice 'where tenant_id = %', public.current_tenant();
  delete from notes where id = p_id;
end
$$;

-- Being somebody is not enough.
create function public.store(p_tenant uuid, p_body text) returns uuid language plpgsql security definer
  set search_path = ''
as $$
declare
  made uuid;
begin
  if public.current_tenant() is null then
    raise exception 'who are you?';
  end if;
  insert into public.notes (tenant_id, body) values (p_tenant, p_body) returning id into made;
  return made;
end
$$;

-- One statement keeps to the tenant, the other one does not.
create function public.both_ways() returns bigint language plpgsql security definer set search_path = ''
as $$
declare
  mine bigint;
  everybody bigint;
begin
  select count(*) into mine from public.notes where tenant_id = public.current_tenant();
  select count(*) into everybody from public.notes;
  return mine + everybody;
end
$$;

-- Fail-open.
create function public.lax() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes where tenant_id = coalesce(public.current_tenant(), tenant_id) $$;
create function public.lax_too() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes
       where (select public.current_tenant()) is null or tenant_id = (select public.current_tenant()) $$;

-- The rows are reached by a function that it calls, with its rights.
create schema hidden;
create function hidden.everything() returns setof public.notes language sql stable set search_path = ''
as $$ select * from public.notes $$;
create function public.through() returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
begin
  return query select * from hidden.everything();
end
$$;

-- Text becomes SQL.
create function public.search(p_filter text) returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
begin
  return query execute 'select * from public.notes where tenant_id = public.current_tenant() and ' || p_filter;
end
$$;
create function public.sorted(p_column text) returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
begin
  return query execute format('select * from public.notes where tenant_id = public.current_tenant() order by %s',
                              p_column);
end
$$;

-- The comparison is there, and ties nothing to the rows that are read; or it is where the row is changed, not where it
-- is chosen.
create function public.any_note() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select n.* from public.notes n
       where exists (select from public.notes m where m.tenant_id = public.current_tenant()) $$;
create function public.take(p_id uuid) returns void language sql security definer set search_path = ''
as $$ update public.notes set tenant_id = public.current_tenant() where id = p_id $$;
create function public.crossed() returns setof text language sql stable security definer set search_path = ''
as $$ select n.body from public.notes m, public.notes n where m.tenant_id = public.current_tenant() $$;
