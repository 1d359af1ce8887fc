-- uses: policy_sources
-- The tables whose policies count, a row each.
policy_subjects as materialized (
  select s.oid, max(s.tenant_column) as tenant_column, max(s.predicate) as predicate from policy_sources s
   group by s.oid
)
