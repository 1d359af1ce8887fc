-- What has to be done at least, a partition a transaction, for every table of bench_many and 24 months.
do $$
declare
  one record;
begin
  for one in
    select c.oid::regclass::text as parent, month,
           format('%s_%s', c.oid::regclass, to_char(month, '"p"YYYY_MM')) as child
    from pg_catalog.pg_class as c,
         generate_series(date_trunc('month', now() at time zone 'UTC'),
                         date_trunc('month', now() at time zone 'UTC') + interval '23 months', '1 month') as month
    where c.relkind = 'p' and c.relnamespace = 'bench_many'::regnamespace
    order by 1, 2
  loop
    execute format('create table %s (like %s including defaults including constraints)', one.child, one.parent);
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', one.parent, one.child,
                   one.month at time zone 'UTC', (one.month + interval '1 month') at time zone 'UTC');
    commit;
  end loop;
end
$$
