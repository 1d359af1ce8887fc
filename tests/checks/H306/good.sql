-- IMMUTABLE where only the arguments count, also if the name says otherwise; STABLE where the session is asked.
create function public.as_uuid(value text) returns uuid language sql immutable
return substring(value, '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid;
create function public.half(amount int) returns int language plpgsql immutable as $$
begin
  -- not current_setting('app.tenant_id'), and nothing from orders either
  return case when amount is distinct from 0 then amount / 2 end;
end $$;
create function public.tenant() returns uuid language plpgsql stable as $$
begin
  return public.as_uuid(current_setting('app.tenant_id', true));
end $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select public.tenant()) and public.half(id) < 1000);
-- out of reach of every policy
create function public.elsewhere() returns text language sql immutable
  as $$ select current_setting('app.tenant_id', true) $$;
