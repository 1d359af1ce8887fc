expressions as materialized (
  select * from parsed where (tree_id in (select tree_id from trees)) is true
),
\ir nodes-of-trees.sql
