-- Required, by NOT NULL or by a constraint; a default that asks the session.
create table public.orders (tenant_id uuid not null default nullif(current_setting('app.tenant_id', true), '')::uuid,
                            id int not null, primary key (tenant_id, id));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = (select public.current_tenant()));
create table public.drafts (tenant_id uuid constraint has_tenant check (tenant_id is not null), id int,
                            note text default 'none');
create index on public.drafts (tenant_id);
alter table public.drafts enable row level security, force row level security;
grant select, insert, update, delete on public.drafts to app_user;
-- a column that is never NULL makes this harmless
create policy tenant on public.drafts to app_user
  using (tenant_id = (select public.current_tenant()) or tenant_id is null);
create policy not_null on public.drafts as restrictive to app_user
  using (tenant_id is not null and tenant_id = (select public.current_tenant()));
