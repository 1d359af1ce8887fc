-- app_metadata is the server's to write; other things may be called user_metadata.
create table public.profiles (tenant_id uuid not null, user_id text not null, user_metadata jsonb,
                              primary key (tenant_id, user_id));
alter table public.profiles enable row level security, force row level security;
grant select, insert, update, delete on public.profiles to app_user;
create policy tenant on public.profiles to app_user
  using (tenant_id = (select public.current_tenant()) and user_metadata is not null);
create function public.app_claim(name text) returns text language plpgsql stable as $$
begin
  -- never user_metadata, nor raw_user_meta_data
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> name;
end $$;
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select on public.orders to app_user;
create policy tenant on public.orders to app_user
  using (tenant_id = (select nullif(public.app_claim('tenant'), '')::uuid));
