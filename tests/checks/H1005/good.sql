-- base: reference
-- JSON of guests, JSON of nobody, a table whose partitions need no entry, a domain, and JSON that is not of tenants.
create domain public.answers as jsonb check (jsonb_typeof(value) = 'object');
create table public.surveys (
  restaurant_id uuid not null references public.restaurants, id uuid not null default gen_random_uuid(),
  answers public.answers, layout json, primary key (restaurant_id, id));
create table public.visits (restaurant_id uuid not null references public.restaurants,
                            id uuid not null default gen_random_uuid(), tags jsonb, primary key (restaurant_id, id))
partition by hash (restaurant_id);
create table public.visits_0 partition of public.visits for values with (modulus 1, remainder 0);
select tenancy.protect(t, 'restaurant_id') from unnest(array['public.surveys', 'public.visits']::regclass[]) as t;
select partitions.isolate('public.visits', 'public.visits_0');
select pii.register_guest_column('public.surveys', 'answers', 'json', array['{diet}']);
select pii.register_guest_column('public.surveys', 'layout', 'nothing', reason => 'how the form looks');
select pii.register_guest_column('public.visits', 'tags', 'json');
create materialized view public.layouts as select '{}'::jsonb as layout;
revoke all on public.layouts from public, authenticated;
