--! Previous: sha1:f35b6020a431fdf27cb225a53f5192b5c7e3314b
--! Hash: sha1:f0e1adfb1628df2f8a3e4606fa62da7dc221870d
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
