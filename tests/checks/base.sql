-- What every fixture of a check finds: a tenant role that the owner may become, and a table that is isolated as it
-- should be. The fixtures' model: column tenant_id, role app_user, setting app.tenant_id.
do $$
begin
  if to_regrole('app_user') is null then
    create role app_user nologin;
  end if;
  execute format('grant app_user to %I%s', current_user,
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  execute format('revoke temporary on database %I from public', current_database());
end
$$;
grant usage on schema public to app_user;

create function public.current_tenant() returns uuid
language sql stable parallel safe
return substring(current_setting('app.tenant_id', true), '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid;

create table public.notes (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  body text not null,
  primary key (tenant_id, id)
);
alter table public.notes enable row level security, force row level security;
create policy tenant on public.notes to app_user
  using (tenant_id = (select public.current_tenant()))
  with check (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.notes to app_user;
insert into public.notes (tenant_id, body) values
  ('11111111-1111-4111-8111-111111111111', 'one''s'),
  ('22222222-2222-4222-8222-222222222222', 'two''s');
