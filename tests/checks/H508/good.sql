-- Masked when written: the view computes nothing.
create table public.customers (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  email text not null,
  email_masked text generated always as (left(email, 1) || '***') stored,
  name text not null,
  primary key (tenant_id, id)
);
alter table public.customers enable row level security, force row level security;
create policy tenant on public.customers to app_user
  using (tenant_id = (select public.current_tenant())) with check (tenant_id = (select public.current_tenant()));
grant select (tenant_id, id, email_masked, name) on public.customers to app_user;
create view public.customers_masked with (security_invoker = true) as select tenant_id, id, email_masked,
upper(name) as name from public.customers;
grant select on public.customers_masked to app_user;

-- Masked by the view, whose reader has no privilege on the column: the view answers an error to everybody but its
-- owner's friends.
create view public.customers_staff with (security_invoker = true) as select tenant_id,
id, left(email, 2) || '***' as email from public.customers;
grant select on public.customers_staff to app_user;

-- Shown beside its mask: nothing is hidden. And stars that cover nothing up.
create view public.notes_both with (security_invoker = true) as
  select tenant_id, id, body, left(body, 1) || '***' as short,
         case when length(body) > 9 then '**' else '*' end as stars from public.notes;
grant select on public.notes_both to app_user;
