--! Previous: sha1:d7f605c8fa3567d4736be6c7a0eab9b24350e9d3
--! Hash: sha1:643aa6d25b6a29519e774d034addf6856af75b4b
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
