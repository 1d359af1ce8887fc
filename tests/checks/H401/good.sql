-- For the transaction, in every spelling.
create function public.enter_tenant(tenant uuid) returns void
language plpgsql as $$
begin
  /* not set_config('app.tenant_id', tenant::text, false),
     nor set app.tenant_id = … */
  perform set_config('app.tenant_id', coalesce(tenant::text, ''), true);  -- set app.tenant_id = 'x';
end
$$;
create function public.enter_atomic(tenant uuid) returns text
language sql
begin atomic
  select set_config('app.tenant_id', coalesce(tenant::text, ''), true);
end;
create function public.enter_locally(tenant text) returns void
language plpgsql as $$
begin
  execute format('set local app.tenant_id = %L', tenant);
  perform set_config('app.tenant_id', tenant, 't'::boolean);
end
$$;

-- Another setting may stay in the session; the tenant's is only read.
create function public.choose_language(language text) returns text
language sql as $$
  select set_config('app.language', language, false)
   where current_setting('app.tenant_id', true) <> '' and set_config('app.tenant_id', '', true) is not null
$$;

-- A column of that name is no setting.
create type public.app as (tenant_id uuid);
create table public.links (tenant_id uuid not null, id int not null, app public.app, primary key (tenant_id, id));
alter table public.links enable row level security, force row level security;
grant select on public.links to app_user;
create policy tenant on public.links to app_user using (tenant_id = (select public.current_tenant()));
create function public.relink(tenant uuid) returns void
language plpgsql as $$
begin
  update public.links set app.tenant_id = tenant, id = id;
end
$$;

-- For operators in psql: nobody else may call it.
create function public.look_as(tenant uuid) returns text
language sql as $$ select set_config('app.tenant_id', tenant::text, false) $$;
revoke execute on function public.look_as(uuid) from public;

-- Cleared for the session: nothing is left for the next one.
create procedure public.leave_tenant()
language plpgsql as $$
begin
  SET app.tenant_id TO '';
  reset app.tenant_id;
  perform set_config('app.tenant_id', '', false);
  execute 'set app.tenant_id = ''''';
end
$$;
