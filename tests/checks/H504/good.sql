-- Functions that keep to the tenant of the session, each in its own way, or that are nobody's.
create table public.members (tenant_id uuid not null, user_id uuid not null, primary key (tenant_id, user_id));
alter table public.members enable row level security, force row level security;
create policy tenant on public.members using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.members to app_user;
create table public.countries (code text primary key, notes text);

create function public.mine() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes where tenant_id = (select public.current_tenant()) $$;
create function public.mine_parsed() returns setof public.notes language sql stable security definer
  set search_path = ''
begin atomic
  select n.* from public.notes n where n.tenant_id = public.current_tenant() and (n.body <> '' or n.body is null);
end;
create function public.mine_by_setting() returns bigint language sql stable security definer set search_path = ''
as $$ select count(*) from public.notes n where n.tenant_id::text = current_setting('app.tenant_id', true) $$;
create function public.add_note(p_body text) returns uuid language plpgsql security definer set search_path = ''
as $$
declare
  v_tenant constant uuid := public.current_tenant();
  made uuid;
begin
  insert into public.notes (tenant_id, body) values (v_tenant, p_body) returning id into made;
  update public.notes set body = trim(body) where tenant_id = v_tenant and id = made;
  return made;
end
$$;
create function public.notes_of(p_tenant uuid) returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
begin
  if p_tenant is distinct from public.current_tenant() then
    raise insufficient_privilege;
  end if;
  return query select * from public.notes where tenant_id = p_tenant;
end
$$;
create function public.is_member(p_tenant uuid) returns boolean language sql stable security definer
  set search_path = ''
as $$ select exists (select from public.members m
                      where m.tenant_id = p_tenant
                        and m.user_id = nullif(current_setting('app.user_id', true), '')::uuid) $$;
create function public.who() returns setof uuid language sql stable security definer set search_path = ''
as $$ select m.user_id from public.members m join public.notes n on n.tenant_id = m.tenant_id
       where m.tenant_id = public.current_tenant() $$;

-- Other tables, and a column that is called like a table.
create function public.country(p_code text) returns text language sql stable security definer set search_path = ''
as $$ select notes from public.countries where code = p_code $$;
create function public.country_row(p_code text) returns public.countries language sql stable security definer
  set search_path = ''
as $$ select code, notes from public.countries where code = p_code $$;

-- An invoker function reads as whoever calls it.
create function public.invoked() returns setof public.notes language sql stable as $$ select * from public.notes $$;

-- Nobody's: not executable, or out of reach.
create function public.for_staff() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes $$;
revoke execute on function public.for_staff() from public;
create schema hidden;
create function hidden.everything() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes $$;

-- Its owner is bound by row security.
do $$
begin
  if to_regrole('check_h504_reader') is null then
    create role check_h504_reader nologin nobypassrls;
  end if;
  execute format('grant check_h504_reader to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
grant usage, create on schema public to check_h504_reader;
grant select on public.notes to check_h504_reader;
create function public.bound() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes $$;
alter function public.bound() owner to check_h504_reader;

-- By way of a membership, in several spellings.
create function public.my_user() returns uuid language sql stable
  as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$;
create function public.by_exists() returns setof public.notes language sql stable security definer set search_path = ''
as $$ select * from public.notes n
       where exists (select from public.members m
                      where m.tenant_id = n.tenant_id and m.user_id = (current_setting('app.user_id', true))::uuid) $$;
create function public.by_with() returns setof public.notes language sql stable security definer set search_path = ''
as $$
  with mine as (select m.tenant_id from public.members m where m.user_id = (current_setting('app.user_id', true))::uuid)
  select n.* from public.notes n where n.tenant_id in (select tenant_id from mine)
$$;
create function public.by_variable() returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
declare
  v_tenant uuid;
begin
  select m.tenant_id into v_tenant from public.members m where m.user_id = (current_setting('app.user_id', true))::uuid;
  return query select * from public.notes where tenant_id = v_tenant;
end
$$;
create function public.by_guard(p_tenant uuid) returns setof public.notes language plpgsql stable security definer
  set search_path = ''
as $$
begin
  if not exists (select from public.members m
                  where m.tenant_id = p_tenant and m.user_id = (current_setting('app.user_id', true))::uuid) then
    raise insufficient_privilege;
  end if;
  return query select * from public.notes where tenant_id = p_tenant;
end
$$;
