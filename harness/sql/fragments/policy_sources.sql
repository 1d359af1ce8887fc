-- uses: tenant_tables, model
-- The tenant tables, and what else in the model's schemas has row security.
policy_sources as materialized (
  select t.oid, t.tenant_column, t.predicate from tenant_tables t
  union all
  select c.oid, null, null
    from model, jsonb_array_elements_text(model -> 'schemas') as s (name)
    join pg_catalog.pg_namespace n on n.nspname = s.name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and c.relrowsecurity
   where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
)
