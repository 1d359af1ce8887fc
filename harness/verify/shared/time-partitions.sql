-- Tenant tables that are partitioned by the range of one date, timestamp or timestamptz, and what each partition is for. Wall clocks are
-- read as UTC: whether a period is missing is no matter of hours.
time_parents as materialized (
  select t.oid, t.relation, a.attname as key, o.opcintype as key_type, p.partdefid
    from tenant_tables t
    join pg_catalog.pg_partitioned_table p on p.partrelid = t.oid and p.partstrat = 'r' and p.partnatts = 1
    join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
    join pg_catalog.pg_opclass o on o.oid = p.partclass[0]
     and o.opcintype in ('pg_catalog.date'::regtype, 'pg_catalog.timestamp'::regtype, 'pg_catalog.timestamptz'::regtype)
),
time_partitions as materialized (
  select p.oid as parent, c.oid, i.inhdetachpending,
         case when b.bounds[1] = 'MINVALUE' then '-infinity'
              when p.key_type = 'pg_catalog.timestamptz'::regtype then trim(both '''' from b.bounds[1])::timestamptz
              else trim(both '''' from b.bounds[1])::timestamp at time zone 'UTC' end as starts_at,
         case when b.bounds[2] = 'MAXVALUE' then 'infinity'
              when p.key_type = 'pg_catalog.timestamptz'::regtype then trim(both '''' from b.bounds[2])::timestamptz
              else trim(both '''' from b.bounds[2])::timestamp at time zone 'UTC' end as ends_at
    from time_parents p
    join pg_catalog.pg_inherits i on i.inhparent = p.oid
    join pg_catalog.pg_class c on c.oid = i.inhrelid
   cross join lateral (select regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$')) as b (bounds)
   where b.bounds is not null  -- DEFAULT
)
