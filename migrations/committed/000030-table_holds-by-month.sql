--! Previous: sha1:0089b2690027158535c9ee0a3a72276b73f14c03
--! Hash: sha1:4e954b32a24cb0076c5f5afe8412b994537e8ba2
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
