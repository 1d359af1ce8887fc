, held as materialized (
  select array_agg(distinct h.oid) || 0::oid as roles, array_agg(distinct k.oid) as tenants
    from tenant_roles r
    join pg_catalog.pg_roles k on k.rolname = r.role
    join pg_catalog.pg_roles h on pg_has_role(k.oid, h.oid, 'USAGE')
),
-- the tenant tables, and what else in the model's schemas has row security
sources as materialized (
  select t.oid, t.tenant_column, t.predicate from tenant_tables t
  union all
  select c.oid, null, null
    from model, jsonb_array_elements_text(model -> 'schemas') as s (name)
    join pg_catalog.pg_namespace n on n.nspname = s.name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and c.relrowsecurity
   where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
),
