-- Tenants have slugs; helpers in string bodies, two levels deep, in a schema of their own.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_text_web') then create role disc_text_web nologin; end if;
  execute format('grant disc_text_web to %I with set true, inherit false', current_user);
end
$$;
create schema app;
grant usage on schema public, app to disc_text_web;
create function app.setting(name text) returns text language sql stable as $$
  select nullif(current_setting(name, true), '')
$$;
create function app.tenant() returns text language plpgsql stable as $$
begin
  -- current_setting('app.not_this_one') is what it used to be
  return app.setting('myapp.tenant_slug');
end
$$;
create table stores (slug varchar(20) primary key, title text not null);
create table products (
  store varchar(20) not null references stores (slug),
  sku text not null,
  price_cents integer not null,
  primary key (store, sku)
);
create table stock (
  store varchar(20) not null,
  sku text not null,
  amount integer not null,
  primary key (store, sku),
  foreign key (store, sku) references products (store, sku)
);
alter table stores enable row level security;
alter table products enable row level security;
alter table stock enable row level security;
alter table stores force row level security;
alter table products force row level security;
alter table stock force row level security;
create policy own on stores for select to disc_text_web using ((slug)::text = (select app.tenant()));
create policy own on products to disc_text_web
  using (store = (select app.tenant())) with check (store = (select app.tenant()));
create policy own on stock to disc_text_web
  using (store = (select app.tenant())) with check (store = (select app.tenant()));
grant select on stores to disc_text_web;
grant select, insert, update, delete on products, stock to disc_text_web;
insert into stores values ('acme', 'Acme'), ('globex', 'Globex');
insert into products select slug, 'sku-1', 100 from stores;
insert into stock select store, sku, 1 from products;
