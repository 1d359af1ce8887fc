--! Previous: sha1:d49a45dc08f6a0e91577e5966aae396dc6b9d578
--! Hash: sha1:57f50a25d8e3e531c36f5c3b5c023f3f17c7734a
--! Message: observability_events by month

-- A table that is small is rebuilt here; a large one is refused, with the command that converts it while it is in use. What has been
-- converted stays as it is.
do $$
begin
  if (select relkind from pg_catalog.pg_class where oid = 'public.observability_events'::regclass) = 'r' then
    perform partitions.rebuild('public.observability_events', 'created_at', 'month');
    perform partitions.manage('public.observability_events', premake => 3, retention => '6 months');
  end if;
end
$$;
-- The last month too: what a transaction adds that began before midnight belongs there.
select partitions.fill('public.observability_events', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.observability_events');
