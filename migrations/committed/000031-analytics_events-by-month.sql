--! Previous: sha1:7d9db5030d2f8c22e93889cca1543a5d85005a15
--! Hash: sha1:d7f605c8fa3567d4736be6c7a0eab9b24350e9d3
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
