create function public.enter_tenant(tenant uuid) returns void
language plpgsql as $$
begin
  -- set_config('app.tenant_id', tenant::text, true) would be better
  perform pg_catalog.set_config('app.tenant_id', coalesce(lower(nullif(tenant::text, '')), ''), false);
end
$$;

create function public."Enter; --"(tenant text) returns text
language sql
begin atomic
  select set_config('app.tenant_id', tenant, false);
end;

create function public.switch(tenant text) returns void
language plpgsql as $$
begin
  if tenant is not null then
    execute format('set session "app"."tenant_id" = %L', tenant);
  end if;
end
$$;

create procedure public.enter_by_name(tenant text)
language plpgsql as $$ begin EXECUTE 'SET app.tenant_id TO ''' || tenant || ''''; end $$;

-- the caller's choice
create function public.put(tenant text, for_now boolean) returns text
language sql as $$ select set_config('app.tenant_id', tenant, for_now) $$;

-- nobody may call it, and yet it runs
create function public.remember() returns trigger
language plpgsql as $$
begin
  execute 'select set_config(''app.tenant_id'', $1, false)' using new.tenant_id::text;
  return new;
end
$$;
revoke execute on function public.remember() from public;
create trigger remember after insert on public.notes for each row execute function public.remember();
