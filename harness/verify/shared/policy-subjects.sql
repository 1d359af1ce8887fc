\ir policy-sources.sql
subjects as materialized (
  select s.oid, max(s.tenant_column) as tenant_column, max(s.predicate) as predicate from sources s group by s.oid
),
