do $$
begin
  if to_regrole('h106_reports') is null then
    create role h106_reports nologin;
  end if;
end
$$;
-- The contract; more for roles that are no tenant's; and in a schema that holds no tenants' rows.
alter default privileges in schema public grant select, insert, update, delete on tables to app_user;
alter default privileges in schema public grant usage, select on sequences to app_user;
alter default privileges in schema public grant all on tables to h106_reports;
create schema lists;
alter default privileges in schema lists grant select on tables to public;
