--! Previous: sha1:d9882a7f6eb3d88d61dc610708da3b364f3d427c
--! Hash: sha1:d8ac5f5949b55861a5887e856dba995db6b98a5f
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
