-- uses: policy_parts
-- given: trees
-- The parts of policies whose trees the query looks at.
policy_expressions as materialized (
  select * from policy_parts where (tree_id in (select tree_id from trees)) is true
)
