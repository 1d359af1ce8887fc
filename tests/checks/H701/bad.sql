-- One role for all tenants' schemas: nothing but search_path keeps them apart.
create schema "acme; --";
create schema zenith;
create table "acme; --".orders (id int primary key, total int);
create table "acme; --".clients (id int primary key, name text);
create table zenith.orders (id int primary key, total int, note text);
create table zenith.clients (id int primary key, name text);
grant usage on schema "acme; --", zenith to app_user;
grant select, insert on all tables in schema "acme; --", zenith to app_user;

-- A role for each, but a group that reaches all, which one of them can become.
do $$
begin
  if to_regrole('h701_north') is null then
    create role h701_north nologin;
    create role h701_south nologin;
    create role h701_group nologin;
    execute format('grant h701_north, h701_south to %I%s', current_user,
      case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  end if;
  execute 'grant h701_group to h701_north'
    || case when current_setting('server_version_num')::int >= 160000 then ' with inherit false, set true' else '' end;
end
$$;
create schema h701_north;
create schema h701_south;
create table h701_north.invoices (id int primary key, total numeric);
create table h701_south.invoices (id int primary key, total numeric);
grant usage on schema h701_north to h701_north;
grant usage on schema h701_south to h701_south;
grant usage on schema h701_north, h701_south to h701_group;
grant select on h701_north.invoices to h701_north, h701_group;
grant select on h701_south.invoices to h701_south, h701_group;
