-- Nothing in public: two schemas with rows, one with helpers, one with a role of the staff that may read everything.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_ns_app') then create role disc_ns_app nologin; end if;
  execute format('grant disc_ns_app to %I with set true, inherit false', current_user);
  if not exists (select from pg_roles where rolname = 'disc_ns_support') then create role disc_ns_support nologin;
  end if;
  execute format('grant disc_ns_support to %I with set true, inherit false', current_user);
end
$$;
create schema crm;
create schema billing;
create schema session;
create schema internal;
grant usage on schema crm, billing, session to disc_ns_app, disc_ns_support;
create function session.tenant() returns uuid language sql stable
begin atomic
  select nullif(current_setting('svc.tenant', true), '')::uuid;
end;
create table internal.jobs (id bigint primary key, payload jsonb);
create table crm.contacts (id uuid primary key default gen_random_uuid(), tenant uuid not null, name text not null);
create table crm.deals (id uuid primary key default gen_random_uuid(), tenant uuid not null, amount numeric);
create table billing.invoices (id uuid primary key default gen_random_uuid(), tenant uuid not null,
                               amount numeric not null);
do $$
declare t regclass;
begin
  foreach t in array array['crm.contacts', 'crm.deals', 'billing.invoices']::regclass[] loop
    execute format('create index on %s (tenant)', t);
    execute format('alter table %s enable row level security', t);
    execute format('alter table %s force row level security', t);
    execute format('create policy tenant on %s to disc_ns_app using (tenant = (select session.tenant()))', t);
    execute format('create policy floor on %s as restrictive to disc_ns_app using (tenant = (select session.tenant()))',
                   t);
    execute format('create policy support on %s for select to disc_ns_support using (true)', t);
    execute format('grant select, insert, update, delete on %s to disc_ns_app', t);
    execute format('grant select on %s to disc_ns_support', t);
    execute format('insert into %s (tenant, %s) select gen_random_uuid(), %s from generate_series(1, 2)', t,
      case t when 'crm.contacts'::regclass then 'name' else 'amount' end,
      case t when 'crm.contacts'::regclass then '''x''' else '1' end);
  end loop;
end
$$;
