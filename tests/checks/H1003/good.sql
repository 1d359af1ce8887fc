-- base: reference
-- One rotation that is finished, and another that is under way: its old key is still needed.
begin;
select set_config('app.pii.key', repeat('ab', 32), true);
set local role app_background;
select tenancy.set_job('fixture');
insert into public.restaurants (id, name, time_zone, currency) values
  ('11111111-1111-4111-8111-111111111111', 'One', 'UTC', 'EUR'),
  ('22222222-2222-4222-8222-222222222222', 'Two', 'UTC', 'EUR');
insert into public.customers (restaurant_id, full_name, email)
select r.id, 'Guest', 'guest@guests.example' from public.restaurants as r;
select pii.begin_rotation('11111111-1111-4111-8111-111111111111');
select * from pii.seal_batch('public.customers', 100);
select pii.finish_rotation('11111111-1111-4111-8111-111111111111');
select pii.begin_rotation('22222222-2222-4222-8222-222222222222');
commit;
