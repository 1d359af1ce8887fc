-- uses: tenant_tables
-- Tenant tables that are partitioned by the range of one date, timestamp or timestamptz.
time_parents as materialized (
  select t.oid, t.relation, a.attname as key, o.opcintype as key_type, p.partdefid
    from tenant_tables t
    join pg_catalog.pg_partitioned_table p on p.partrelid = t.oid and p.partstrat = 'r' and p.partnatts = 1
    join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
    join pg_catalog.pg_opclass o on o.oid = p.partclass[0]
     and o.opcintype in ('pg_catalog.date'::regtype, 'pg_catalog.timestamp'::regtype, 'pg_catalog.timestamptz'::regtype)
)
