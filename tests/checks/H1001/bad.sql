-- base: reference
-- Switched, and then somebody needed the address once more: a column, a view, a function, a role.
begin;
select pii.move_to('public.customers', 'backfilled');
select pii.move_to('public.customers', 'verified');
select pii.move_to('public.customers', 'switched');
commit;

grant select (email_normalized) on public.customers to authenticated;
-- Nobody grants anything: default privileges do.
create view public.guests with (security_barrier) as
  select c.restaurant_id, c.id, c.email from public.customers as c
   where c.restaurant_id = (select public.current_restaurant_id());
create view public.guest_book with (security_barrier) as select g.restaurant_id, g.id, upper(g.email) as e
                                                           from public.guests as g;

revoke insert, update, delete on public.guests, public.guest_book from authenticated;

set role app_pii;
grant execute on function pii.open(uuid, text, uuid, bytea) to authenticated;
reset role;
grant select on pii.tenant_keys to authenticated;
