--! Previous: sha1:4e954b32a24cb0076c5f5afe8412b994537e8ba2
--! Hash: sha1:d49a45dc08f6a0e91577e5966aae396dc6b9d578
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
