-- base: reference
-- Three that nobody has thought of, one as a domain and one of type json; and one that was renamed.
create domain public.answers as jsonb check (jsonb_typeof(value) = 'object');
create table public.surveys (
  restaurant_id uuid not null references public.restaurants, id uuid not null default gen_random_uuid(),
  answers public.answers, raw json, "Extra" jsonb, primary key (restaurant_id, id));
select tenancy.protect('public.surveys', 'restaurant_id');
alter table public.analytics_events rename column properties to details;
