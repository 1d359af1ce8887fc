-- base: reference
-- Retired, with guests whose addresses are sealed.
begin;
select set_config('app.pii.key', repeat('ab', 32), true);
set local role app_background;
select tenancy.set_job('fixture');
insert into public.restaurants (id, name, time_zone, currency)
  values ('11111111-1111-4111-8111-111111111111', 'One', 'UTC', 'EUR');
insert into public.customers (restaurant_id, full_name, email, phone) values
  ('11111111-1111-4111-8111-111111111111', 'Ada', 'ada@guests.example', '+390105550101'),
  ('11111111-1111-4111-8111-111111111111', 'Nobody', null, null);
reset role;
select pii.move_to('public.customers', 'backfilled');
select pii.move_to('public.customers', 'verified');
select pii.move_to('public.customers', 'switched');
select pii.move_to('public.customers', 'retiring');
set local role app_background;
select * from pii.seal_batch('public.customers', 100);
reset role;
select pii.move_to('public.customers', 'retired');
commit;
