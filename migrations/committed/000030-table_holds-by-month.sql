--! Previous: sha1:49e89edcb66f175074e5661ab76fc3717c60d76f
--! Hash: sha1:46d724676f3625b01959cb16536cb5603fe24ac0
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
