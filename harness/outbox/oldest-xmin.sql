-- What keeps VACUUM from removing old versions of rows, the oldest first: sessions, prepared transactions, replication
-- slots. A role without pg_read_all_stats sees its own sessions only; how many others there are is in "hidden".
with holders as (
  select 'session ' || a.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') as holder,
         pg_catalog.age(a.backend_xmin) as xids,
         extract(epoch from clock_timestamp() - a.xact_start) as seconds
    from pg_catalog.pg_stat_activity as a
   where a.backend_xmin is not null and a.pid <> pg_catalog.pg_backend_pid()
     -- Sessions in other databases hold back nothing here.
     and (a.datname = current_database() or a.datname is null)
  union all
  select 'prepared transaction ' || p.gid, pg_catalog.age(p.transaction),
         extract(epoch from clock_timestamp() - p.prepared)
    from pg_catalog.pg_prepared_xacts as p where p.database = current_database()
  union all
  select 'replication slot ' || s.slot_name, greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)), null
    from pg_catalog.pg_replication_slots as s where s.xmin is not null or s.catalog_xmin is not null
)
select json_build_object(
  'oldest', (select json_build_object('holder', h.holder, 'xids', h.xids, 'seconds', h.seconds) from holders as h
              order by h.xids desc, h.seconds desc nulls last limit 1),
  'hidden',
  (select count(*) from pg_catalog.pg_stat_activity as a
    where a.datname = current_database() and a.backend_type is null)
) as xmin
