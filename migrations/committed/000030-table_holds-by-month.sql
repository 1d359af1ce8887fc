--! Previous: sha1:20667f4f05805dbfe5bb7315d1ac30a241f447a0
--! Hash: sha1:86c48b0892262e4b6c897e69f354188ed641a09d
--! Message: table_holds by month

-- A table that is small is rebuilt here; a large one is refused, with the command that converts it while it is in use. What has been
-- converted stays as it is.
do $$
begin
  if (select relkind from pg_catalog.pg_class where oid = 'public.table_holds'::regclass) = 'r' then
    perform partitions.rebuild('public.table_holds', 'created_at', 'month');
    perform partitions.manage('public.table_holds', premake => 3, retention => '6 months');
  end if;
end
$$;
-- The last month too: what a transaction adds that began before midnight belongs there.
select partitions.fill('public.table_holds', p.starts_at, p.ends_at)
from partitions.periods('month', 'UTC', now() - interval '1 month', now()) as p;
select partitions.ensure('public.table_holds');
