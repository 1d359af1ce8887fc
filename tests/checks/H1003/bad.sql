-- base: reference
-- Somebody ended a rotation by hand, before the values were under the new key. The key is for the SQL that mends it.
set app.pii.key = 'abababababababababababababababababababababababababababababababab';
begin;
set local role app_background;
select tenancy.set_job('fixture');
insert into public.restaurants (id, name, time_zone, currency)
  values ('11111111-1111-4111-8111-111111111111', 'One', 'UTC', 'EUR');
insert into public.customers (restaurant_id, full_name, email)
values ('11111111-1111-4111-8111-111111111111', 'Guest', 'guest@guests.example');
select pii.begin_rotation();
reset role;
set local role app_pii;
update pii.tenant_keys set replaces = null where state = 'active';
commit;
