do $$
begin
  if to_regrole('h207_group') is null then
    create role h207_group nologin;
  end if;
end
$$;
grant h207_group to app_user;

-- By the role itself, by everybody, by a group, and by one column.
create table public.orders (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
create table public."Bills; --" (like public.orders including all);
create table public.visits (like public.orders including all);
create table public.dishes (like public.orders including all);
do $$
declare
  t regclass;
begin
  foreach t in array array['public.orders', 'public."Bills; --"', 'public.visits', 'public.dishes']::regclass[] loop
    execute format('alter table %s enable row level security, force row level security', t);
    execute format('create policy tenant on %s using (tenant_id = (select public.current_tenant()))', t);
    execute format('grant select, insert, update, delete on %s to app_user', t);
  end loop;
end
$$;
grant trigger on public.orders to app_user;
grant references, trigger on public."Bills; --" to public;
grant references on public.visits to h207_group;
grant references (id) on public.dishes to app_user;
do $$
begin
  if current_setting('server_version_num')::int >= 170000 then
    create table public.stock (like public.orders including all);
    alter table public.stock enable row level security, force row level security;
    execute 'grant maintain on public.stock to app_user';
  end if;
end
$$;
