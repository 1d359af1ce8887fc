-- No policy, no helper: an application that filters by itself, and hopes.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_bare_app') then create role disc_bare_app nologin; end if;
  execute format('grant disc_bare_app to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_bare_app;
create table tenants (id integer primary key, name text not null);
create table users (id integer primary key, tenant_id integer not null references tenants, email text not null);
create table orders (id integer primary key, tenant_id integer not null references tenants,
                     user_id integer not null references users, total integer not null);
create table countries (code text primary key);
create index on users (tenant_id);
create index on orders (tenant_id);
grant select, insert, update, delete on tenants, users, orders, countries to disc_bare_app;
insert into tenants values (1, 'one'), (2, 'two');
insert into users select id, id, 'x' from tenants;
insert into orders select id, id, id, 1 from tenants;
