-- base: reference
-- Values under two keys while a rotation is under way, values that are nothing, and a tenant that was erased.
begin;
select set_config('app.pii.key', repeat('ab', 32), true);
set local role app_background;
select tenancy.set_job('fixture');
insert into public.restaurants (id, name, time_zone, currency) values
  ('11111111-1111-4111-8111-111111111111', 'One', 'UTC', 'EUR'),
  ('22222222-2222-4222-8222-222222222222', 'Gone', 'UTC', 'EUR');
insert into public.customers (restaurant_id, full_name, email, phone)
select r.id, 'Guest', 'guest@guests.example', null from public.restaurants as r;
select pii.begin_rotation('11111111-1111-4111-8111-111111111111');
insert into public.customers (restaurant_id, full_name, email, phone) values
  ('11111111-1111-4111-8111-111111111111', 'Other', 'other@guests.example', '+390105550101'),
  ('11111111-1111-4111-8111-111111111111', 'Nobody', '', null);
select pii.erase_tenant('22222222-2222-4222-8222-222222222222');
commit;
