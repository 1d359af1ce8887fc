-- uses: policy_subjects
-- The policies that a tenant role meets (facts/policies.sql), on the tables of policy_subjects.
policies as materialized (
  select p.oid, p.polname, p.polrelid, p.polcmd, p.polpermissive, format('%I.%I', n.nspname, c.relname) as relation,
         c.relname,
         s.tenant_column, f.tenant_attnum, p.polqual, p.polwithcheck, f.using_tree, f.check_tree,
         -- the commands for which a restrictive policy that names the tenant holds back what a permissive one lets
         -- through
         f.floors,
         format('alter policy %I on %I.%I', p.polname, n.nspname, c.relname) as alteration,
         s.predicate as standard  -- what the policy could say instead
    from (select o.oid, f.tenant_attnum, f.floors, f.using_tree, f.check_tree
            from jsonb_to_recordset(current_setting('harness.policies')::jsonb -> 'shapes')
                   as f (tenant_attnum smallint, floors "char"[], using_tree int, check_tree int, oids jsonb)
           cross join lateral (select jsonb_array_elements_text(f.oids)::oid as oid) as o) as f
    join pg_catalog.pg_policy p on p.oid = f.oid
    join policy_subjects s on s.oid = p.polrelid
    join pg_catalog.pg_class c on c.oid = p.polrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
)
