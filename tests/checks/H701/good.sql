do $$
begin
  if to_regrole('h701_east') is null then
    create role h701_east nologin;
    create role h701_west nologin;
    create role h701_reader nologin;
    execute format('grant h701_east, h701_west to %I%s', current_user,
      case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  end if;
end
$$;
-- A role for each tenant, which reaches its own schema only. Whoever reads all of them is no tenant role.
create schema h701_east;
create schema h701_west;
create table h701_east.invoices (id int primary key, total numeric);
create table h701_west.invoices (id int primary key, total numeric);
grant usage on schema h701_east to h701_east, h701_reader;
grant usage on schema h701_west to h701_west, h701_reader;
grant select, insert on h701_east.invoices to h701_east;
grant select, insert on h701_west.invoices to h701_west;
grant select on h701_east.invoices, h701_west.invoices to h701_reader;

-- The same tables twice, and isolated by rows in both.
create schema archive;
grant usage on schema archive to app_user;
create table archive.notes (like public.notes including all);
alter table archive.notes enable row level security, force row level security;
create policy tenant on archive.notes to app_user using (tenant_id = (select public.current_tenant()));
grant select on archive.notes to app_user;

-- Schemas that have one table's name in common, not its columns.
create schema tool_a;
create schema tool_b;
grant usage on schema tool_a, tool_b to app_user;
create table tool_a.migrations (id int, name text);
create table tool_b.migrations (version bigint primary key);
grant select on tool_a.migrations, tool_b.migrations to app_user;

-- A copy for imports, without a privilege.
create schema staging;
grant usage on schema staging to app_user;
create table staging.invoices (id int primary key, total numeric);
