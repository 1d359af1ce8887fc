-- current_setting without missing_ok, which raises; a login role that no policy names; a table of currencies for all.
do $$ begin if to_regrole('disc_shop_app') is null then create role disc_shop_app login password 'x'; end if;
execute format('grant disc_shop_app to %I with set true, inherit false', current_user); end $$;
create schema shop; grant usage on schema shop to disc_shop_app;
create table shop.tenants (id int generated always as identity primary key, name text not null);
create table shop.orders (id bigint generated always as identity, tenant_id int not null references shop.tenants,
                          total numeric, primary key (tenant_id, id));
create table shop.order_lines (tenant_id int not null, order_id bigint not null, line int not null, sku text not null,
                               primary key (tenant_id, order_id, line),
                               foreign key (tenant_id, order_id) references shop.orders (tenant_id, id));
create table shop.currencies (code char(3) primary key, name text);
alter table shop.tenants enable row level security; alter table shop.orders enable row level security;
alter table shop.order_lines enable row level security;
alter table shop.tenants force row level security; alter table shop.orders force row level security;
alter table shop.order_lines force row level security;
create policy t on shop.tenants using (id = current_setting('app.current_tenant')::int);
create policy t on shop.orders using (tenant_id = current_setting('app.current_tenant')::int);
create policy t on shop.order_lines using (tenant_id = current_setting('app.current_tenant')::int);
grant select, insert, update, delete on shop.orders, shop.order_lines to disc_shop_app;
grant select on shop.tenants, shop.currencies to disc_shop_app;
insert into shop.tenants (name) values ('a'),('b'); insert into shop.orders (tenant_id,total) values (1,1),(2,2);
insert into shop.currencies values ('EUR','Euro');
