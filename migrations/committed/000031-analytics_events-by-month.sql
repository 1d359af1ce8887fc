--! Previous: sha1:fe8645bfd2ffd0ab81372e6fcbf5f31bdb9df8d2
--! Hash: sha1:d4338d1aeee4fe66c841d70dfe36c58622a91295
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
