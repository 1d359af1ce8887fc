-- The customers' addresses are masked in the view, and the view works because its reader may read them in the table.
create table public.customers (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  email text not null,
  phone text,
  primary key (tenant_id, id)
);
alter table public.customers enable row level security, force row level security;
create policy tenant on public.customers to app_user
  using (tenant_id = (select public.current_tenant())) with check (tenant_id = (select public.current_tenant()));
grant select, insert on public.customers to app_user;
create view public.customers_masked with (security_invoker = true) as
  select tenant_id, id, left(email, 1) || '***' || substring(email from '@.*$') as email, repeat('*', 6) ||
   right(phone, 2) as phone
    from public.customers;
grant select on public.customers_masked to app_user;

-- Through a privilege on one column, of everybody.
create table public."Card;s" (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  "Number" text not null,
  primary key (tenant_id, id)
);
alter table public."Card;s" enable row level security, force row level security;
create policy tenant on public."Card;s" to app_user
  using (tenant_id = (select public.current_tenant())) with check (tenant_id = (select public.current_tenant()));
grant select (tenant_id, id, "Number") on public."Card;s" to public;
create view public.cards with (security_invoker = true) as
  select tenant_id, id, regexp_replace("Number", '\d(?=\d{4})', 'xxx', 'g') as last_digits from public."Card;s";
grant select on public.cards to app_user;
