do $$
begin
  if to_regrole('h207_migrations') is null then
    create role h207_migrations nologin;
  end if;
end
$$;
-- All of them, for a role that is no tenant's; and for the tenant role what it needs.
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
create policy tenant on public.orders to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.orders to app_user;
grant trigger, references on public.orders to h207_migrations;
