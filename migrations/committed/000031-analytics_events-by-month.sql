--! Previous: sha1:6c76b44c16d4fc1f2fdf74803913409f22f736dc
--! Hash: sha1:47b2586e6e2f94b7e9fe764367dbb5ac33652af2
--! Message: analytics_events by month

-- A table that is small is rebuilt here; a large one is refused, with the command that converts it while it is in use. What has been
-- converted stays as it is.
do $$
begin
  if (select relkind from pg_catalog.pg_class where oid = 'public.analytics_events'::regclass) = 'r' then
    perform partitions.rebuild('public.analytics_events', 'created_at', 'month');
    perform partitions.manage('public.analytics_events', premake => 3, retention => '25 months');
  end if;
end
$$;
-- The last month too: what a transaction adds that began before midnight belongs there.
select partitions.fill('public.analytics_events', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.analytics_events');
