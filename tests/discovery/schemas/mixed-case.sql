-- Names as an object-relational mapper writes them, and one that nobody should.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_mixed_app') then create role disc_mixed_app nologin; end if;
  execute format('grant disc_mixed_app to %I with set true, inherit false', current_user);
end
$$;
create schema "Shop Data";
grant usage on schema "Shop Data" to disc_mixed_app;
create table "Shop Data"."Organization" ("id" text primary key, "name" text not null);
create table "Shop Data"."Order" ("id" text primary key,
                                  "organizationId" text not null references "Shop Data"."Organization",
                                  "total" integer not null);
create table "Shop Data"."Order.Line" ("id" text primary key, "organizationId" text not null, "orderId" text not null);
create table "Shop Data"."we""ird; --" ("id" text primary key, "organizationId" text not null);
create index on "Shop Data"."Order" ("organizationId");
create index on "Shop Data"."Order.Line" ("organizationId");
create index on "Shop Data"."we""ird; --" ("organizationId");
create function "Shop Data"."currentOrganization"() returns text language sql stable
  as $$ select current_setting('App.OrganizationId', true) $$;
do $$
declare t text;
begin
  foreach t in array array['Organization', 'Order', 'Order.Line', 'we"ird; --'] loop
    execute format('alter table "Shop Data".%I enable row level security', t);
    execute format('alter table "Shop Data".%I force row level security', t);
    execute format(
        'create policy "Tenant Isolation" on "Shop Data".%I to disc_mixed_app using (%I = nullif((select "Shop '
        'Data"."currentOrganization"()), ''''))',
      t, case t when 'Organization' then 'id' else 'organizationId' end);
    execute format('grant select, insert, update, delete on "Shop Data".%I to disc_mixed_app', t);
  end loop;
end
$$;
insert into "Shop Data"."Organization" values ('o1', 'one'), ('o2', 'two');
insert into "Shop Data"."Order" select 'order-' || id, id, 1 from "Shop Data"."Organization";
insert into "Shop Data"."Order.Line" select 'line-' || id, id, 'order-' || id from "Shop Data"."Organization";
insert into "Shop Data"."we""ird; --" select 'x-' || id, id from "Shop Data"."Organization";
