-- uses: policies
-- USING and WITH CHECK of those policies, each with the number of its parse tree.
policy_parts as materialized (
  select p.oid as policy, p.polname, p.polrelid, p.polcmd, p.polpermissive, p.relation, p.relname, p.tenant_column,
         p.tenant_attnum, p.floors,
         p.alteration, p.standard, p.polqual, p.polwithcheck,
         e.part, e.part = 'check' or p.polwithcheck is null as decides,  -- on new rows
         e.tree_id
    from policies p
   cross join lateral (values ('using', p.using_tree), ('check', p.check_tree)) as e (part, tree_id)
   where e.tree_id is not null
)
