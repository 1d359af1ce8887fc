-- Safe by security_invoker, by an owner whom row security binds, by a filter of their own behind a barrier, or by being
-- out of reach.
do $$
begin
  if to_regrole('check_h501_reader') is null then
    create role check_h501_reader nologin nobypassrls;
  end if;
  execute format('grant check_h501_reader to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
create schema hidden;
create table public.orders (tenant_id uuid not null, id uuid not null default gen_random_uuid(), note_id uuid,
                            status text, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
create policy tenant on public.orders using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.orders to app_user;
grant select on public.orders to check_h501_reader;
create table public.countries (code text primary key, name text);
grant select on public.countries to check_h501_reader;

create view public.mine with (security_invoker) as select * from public.notes;
create view public.mine_too with (security_invoker = 'on') as select * from public.mine;
grant select on public.mine, public.mine_too to app_user;

-- An invoker view inside a definer view: it reads as the session's user all the same.
create view public.around as select id, body from public.mine;
grant select on public.around to app_user;

-- A definer view whose owner has no BYPASSRLS and does not own the table; its policy is for everybody.
grant usage, create on schema public to check_h501_reader;
create view public.shortened as select id, tenant_id, left(status, 1) || '…' as status from public.orders;
grant select on public.shortened to app_user;
alter view public.shortened owner to check_h501_reader;

-- Filters of their own, in several spellings, behind a barrier.
create view public.filtered with (security_barrier = true) as
  select * from public.notes where tenant_id = (select public.current_tenant()) and (body <> '' or body is null);
create view public.filtered_text with (security_barrier = true) as
  select n.* from public.notes n where n.tenant_id::text = current_setting('app.tenant_id', true);
create view public.filtered_twice with (security_barrier = true) as
  select id, body from public.notes
   where (tenant_id = public.current_tenant() and body <> '') or (body is null and tenant_id = public.current_tenant());
create view public.filtered_reversed with (security_barrier = true) as
  select count(*) from public.notes n where nullif(current_setting('app.tenant_id', true), '')::uuid = n.tenant_id;
create view public.filtered_join with (security_barrier = true) as
  select o.id, n.body from public.orders o join public.notes n on n.tenant_id = o.tenant_id and n.id = o.note_id
   where o.tenant_id = public.current_tenant();
create view public.filtered_union with (security_barrier = true) as
  select id from public.orders where tenant_id = public.current_tenant()
  union all
  select id from public.notes where tenant_id = public.current_tenant();
grant select on public.filtered, public.filtered_text, public.filtered_twice, public.filtered_reversed,
public.filtered_join, public.filtered_union to app_user;

-- An open view that is reached through one that filters only.
create view hidden.everything as select * from public.notes;
create view public.through with (security_barrier = true) as select * from hidden.everything
                                                              where tenant_id = (select public.current_tenant());
grant select on public.through to app_user;

-- Nobody's: no privilege, or no way into the schema. And one over no tenant table at all.
create view public.staff_only as select * from public.notes;
create view hidden.granted as select * from public.notes;
grant select on hidden.granted to app_user;
create view public.country_names as select name from public.countries;
grant select on public.country_names to app_user;
