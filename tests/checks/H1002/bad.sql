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

-- The key is for the SQL that mends it.
set app.pii.key = 'abababababababababababababababababababababababababababababababab';
-- And then a restore brought the address back, and the column that was derived from it.
alter table public.customers drop constraint email_is_not_in_clear, drop constraint phone_is_not_in_clear,
disable trigger user;
alter table public.customers add constraint phone_is_not_in_clear check (phone is null) not valid;
alter table public.customers add column email_normalized text;
begin;
set local role app_background;
select tenancy.set_job('restore');
update public.customers set email = 'ada@guests.example', email_normalized = 'ada@guests.example'
  where full_name = 'Ada';
commit;
alter table public.customers enable trigger user;
