-- The tables that are kept by month. The last month too, and the months to come: what a transaction adds that began before midnight
-- belongs there.

-- West of Greenwich the last day of a month goes on when the month is over in UTC. A year ahead: guests book their Christmas dinner in
-- spring.
select partitions.manage('public.booking_table_assignments', 'month', premake => 12);
select partitions.manage('public.table_holds', 'month', retention => '6 months');
select partitions.manage('public.analytics_events', 'month', retention => '25 months');
select partitions.manage('public.observability_events', 'month', retention => '6 months');

select partitions.fill(m.parent, p.starts_at, p.ends_at)
from unnest(array['booking_table_assignments', 'table_holds', 'analytics_events', 'observability_events']) as t (name)
join partitions.managed as m on m.parent = format('public.%I', t.name)::regclass
cross join partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure(m.parent)
from unnest(array['booking_table_assignments', 'table_holds', 'analytics_events', 'observability_events']) as t (name)
join partitions.managed as m on m.parent = format('public.%I', t.name)::regclass;
