-- uses: policy_parts
-- The parse trees of policies: a tree knows which column belongs to which table, where text only looks so. Equal trees
-- stand here once.
policy_trees as materialized (
  select t.place - 1 as tree_id, t.tree
    from jsonb_array_elements_text(current_setting('harness.policies')::jsonb -> 'trees') with ordinality
         as t (tree, place)
   where t.place - 1 in (select tree_id from policy_parts)
)
