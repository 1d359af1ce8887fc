--! Previous: sha1:e2aedb895f20a59d86d1b1b5df676601197320df
--! Hash: sha1:0089b2690027158535c9ee0a3a72276b73f14c03
--! Message: booking_table_assignments by month

-- A table that is small is rebuilt here; a large one is refused, with the command that converts it while it is in use. What has been
-- converted stays as it is.
do $$
begin
  if (select relkind from pg_catalog.pg_class where oid = 'public.booking_table_assignments'::regclass) = 'r' then
    perform partitions.rebuild('public.booking_table_assignments', 'booking_date', 'month');
    perform partitions.manage('public.booking_table_assignments', premake => 12);
  end if;
end
$$;
-- The last month too: west of Greenwich its last day goes on when the month is over in UTC. A year ahead: guests book their Christmas
-- dinner in spring.
select partitions.fill('public.booking_table_assignments', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.booking_table_assignments');
