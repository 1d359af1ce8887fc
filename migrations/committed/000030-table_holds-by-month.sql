--! Previous: sha1:f0e5d15e3b1aa7ba5bca222af71d053dd166a21b
--! Hash: sha1:fd926739171017acc5c5787cfe7fb092b0a48c8e
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
