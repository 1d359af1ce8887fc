create table if not exists public.customers (
  restaurant_id uuid not null references public.restaurants (id),
  id uuid not null default gen_random_uuid(),
  full_name text not null check (full_name <> ''),
  email text,
  phone text,
  email_normalized text generated always as (lower(btrim(email))) stored,
  phone_normalized text generated always as (regexp_replace(phone, '[^0-9+]', '', 'g')) stored,
  notes text,
  accepts_marketing boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (restaurant_id, id),
  unique (restaurant_id, email_normalized)
);

create index if not exists customers_phone_idx on public.customers (restaurant_id, phone_normalized);
create index if not exists customers_name_idx on public.customers (restaurant_id, full_name);

comment on table public.customers is 'Guests, as one restaurant knows them: the same person is another row at the next one.';
comment on column public.customers.email is 'As given.';
comment on column public.customers.phone is 'As given.';
comment on column public.customers.email_normalized is
  'For look-up by equality, which row security lets use the index; lower(email) = … it would not.';
comment on column public.customers.phone_normalized is 'Digits and + only, for look-up by equality.';
comment on column public.customers.notes is 'What staff should know, such as an allergy.';

select tenancy.protect('public.customers', 'restaurant_id');
