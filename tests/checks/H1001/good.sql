-- base: reference
-- Switched: tenants have the views. What they may read of the table is the keys, what others may is not the tenants'.
begin;
select pii.move_to('public.customers', 'backfilled');
select pii.move_to('public.customers', 'verified');
select pii.move_to('public.customers', 'switched');
commit;

-- It asks as who asks, so that nobody reads more by it.
do $$
begin
  if current_setting('server_version_num')::int >= 150000 then
    execute 'create view public.guests with (security_invoker) as select restaurant_id, id, email from public.customers';
  end if;
end
$$;
-- It shows the column to none of the tenant roles.
create view public.guests_for_reports as select restaurant_id, count(email) as with_address from public.customers
                                          group by restaurant_id;
-- Default privileges had given it to them.
revoke all on public.guests_for_reports from authenticated;
