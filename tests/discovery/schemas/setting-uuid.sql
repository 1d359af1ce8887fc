-- A setting with a uuid, told to the policies without any helper; a shared table that everybody may read.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_uuid_app') then create role disc_uuid_app nologin; end if;
  execute format('grant disc_uuid_app to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_uuid_app;
create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
create table customers (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants,
  email text not null,
  unique (tenant_id, email),
  unique (tenant_id, id)
);
create table invoices (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  customer_id uuid not null,
  status text not null default 'draft',
  total numeric(12, 2) not null,
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);
create table plans (code text primary key, price numeric not null);
create index on invoices (tenant_id);

alter table tenants enable row level security, force row level security;
alter table customers enable row level security, force row level security;
alter table invoices enable row level security, force row level security;
alter table plans enable row level security, force row level security;
create policy tenant_self on tenants to disc_uuid_app
  using (id = nullif(current_setting('app.current_tenant', true), '')::uuid);
create policy tenant_rows on customers to disc_uuid_app
  using (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid);
create policy tenant_rows on invoices to disc_uuid_app
  using (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid
         and status in ('draft', 'sent', 'paid'))
  with check (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid);
create policy everybody on plans for select to disc_uuid_app using (true);
grant select on tenants, plans to disc_uuid_app;
grant select, insert, update, delete on customers, invoices to disc_uuid_app;

insert into tenants (id, name) values ('aaaaaaaa-0000-4000-8000-000000000001', 'one'),
('aaaaaaaa-0000-4000-8000-000000000002', 'two');
insert into customers (id, tenant_id, email) select id, id, 'a@b.example' from tenants;
insert into invoices (tenant_id, customer_id, total) select tenant_id, id, 10 from customers;
